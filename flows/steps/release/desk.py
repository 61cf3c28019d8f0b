"""The desk: one account at work on the MLflow server with its gate, opened once for everything that it does there.

The login belongs to the desk, never to the process: two desks in two threads act each as its own account. Nothing
here decides or moves an alias, the gate inside the MLflow server does. Every verb may be repeated.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from flows.steps.project.accounts import Account, read_account, tracking_environment
from flows.steps.release import as_account
from flows.steps.release.promote import TREE, Registered
from handrail.bootstrap import Platform, open_platform
from handrail.bootstrap.approvals import permit_path, project_use, server_name, tree_digest
from handrail.bootstrap.delivery import open_permits
from handrail.delivery import Trees
from handrail.errors import Refused, Unavailable
from handrail.files import replace_file
from handrail.http import GateClient
from handrail.refs import TrackingRun, Use
from handrail.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail.delivery import PermittedVersion
    from handrail.scoring import Scorer

TRAINED = Path("reports") / "train.json"
ADDED_BY_MLFLOW = "registered_model_meta"
"""A file that MLflow writes into what it downloads from the registry; it is not part of the version."""
TIMEOUT_S = 60.0


class Desk(Trees):
    """One account, one platform. Login, gate and connections are opened at their first use and closed with the desk."""

    def __init__(self, platform: Platform, account: str) -> None:
        """Work as the account of `<home>/credentials/<account>.json`; the platform stays the caller's."""
        self.platform = platform
        self.settings = platform.settings
        self._account = account

    @cached_property
    def login(self) -> Account:
        """The account's name on the server, and its password."""
        return read_account(self.settings, self._account)

    @cached_property
    def gate(self) -> GateClient:
        """The gate as this account sees it."""
        return GateClient(self.settings.url("mlflow"), self.login.username, self.login.password)

    def request(self, request_id: str) -> dict[str, Any]:
        """Return a request as the gate sees it; login and connection are only needed now."""
        return self.gate.request(request_id)

    @cached_property
    def server(self) -> httpx.Client:
        """MLflow's own REST interface as this account sees it."""
        login = (self.login.username, self.login.password)
        return httpx.Client(base_url=self.settings.url("mlflow"), auth=login, timeout=TIMEOUT_S)

    @property
    def tracking(self) -> dict[str, str]:
        """MLflow's variables for a child process that works as this account."""
        return tracking_environment(self.settings, self._account)

    def register(self, project: Path, model: str | None = None) -> Registered:
        """Make the project's packaged tree one registered version; a tree that is one already stays it.

        The version belongs to the run that trained it; run, evaluation and tree are logged first if the server lacks
        them. Lineage records that the run made the tree, and what the stage `train` read.

        Raises:
            Unavailable: there is no packaged tree, or MLflow cannot be reached or does not let this account register.
        """
        tree, name = project / TREE, model or self.settings.model_name
        if not (tree / "MLmodel").is_file():
            raise Unavailable(str(tree), "there is no packaged model", "Run the pipeline first: dvc repro.")
        version, run_id = as_account.register_package(self.tracking, project, name)
        registered = Registered(name, version, run_id, tree_digest(tree))
        inputs = json.loads((project / TRAINED).read_text(encoding="utf-8"))["stage_inputs"]
        run = TrackingRun(server_name(self.settings), run_id)
        self.platform.lineage.record_tracking_run(run, stage_inputs=inputs, tree_digest=registered.tree_digest)
        return registered

    def ask(  # noqa: PLR0913 - what is asked, and what with
        self,
        registered: Registered,
        alias: str,
        reason: str,
        evidence: Mapping[str, Mapping[str, Any]],
        snapshot: str | None = None,
    ) -> dict[str, Any]:
        """Open the promotion request of a registered version, which asks for the `alias`.

        `evidence` has what those who decide look at, by the names that policies use; `snapshot` is the digest of
        labelled rows that were handed in, and the gate has measured the version on them when this returns.

        Returns:
            the request as the gate sees it, with `request_id`, `verdict` and `reasons`.

        Raises:
            Refused: the gate saw another tree than the one that was packaged here.
        """
        request = self.gate.open_request(
            model=registered.model,
            version=registered.version,
            alias=alias,
            reason=reason,
            evidence=evidence,
            snapshot=snapshot,
        )
        if request["tree_digest"] != registered.tree_digest:
            raise Refused(
                f"Promoting {registered.model} version {registered.version}",
                (f"The server holds {request['tree_digest']}, packaged was {registered.tree_digest}.",),
            )
        return self.gate.measured(request)

    def requests_for(self, alias: str, digest: str) -> list[dict[str, Any]]:
        """Return the requests that asked for `alias` to point at that tree, oldest first."""
        return [request for request in self.gate.requests(alias) if request["tree_digest"] == digest]

    def approve(self, request_id: str, reason: str) -> dict[str, Any]:
        """Sign off as this account; return the request, `promoted` once the alias has moved."""
        return self.gate.decide(request_id, "approve", reason)

    def fetch_permit(self, request: Mapping[str, Any]) -> Path:
        """Return the file of the permit for a promoted request, fetched if this home does not hold it.

        What is fetched is checked before it is kept: a file that is there is never fetched again.

        Raises:
            Refused: the request was not promoted, with the gate's reasons; or what came is not its permit.
        """
        if request["verdict"] != "promoted":
            raise Refused(f"Promoting {request['model']} version {request['version']}", tuple(request["reasons"]))
        use = Use(request["server"], request["model"], request["alias"], self.settings.environment)
        file = permit_path(self.settings, use, request["tree_digest"])
        if not file.is_file():
            content = self.gate.permit(use, request["tree_digest"])
            self._check_permit(content, request["tree_digest"])
            replace_file(file, content)
        return file

    def _check_permit(self, content: bytes, expected: str) -> None:
        with tempfile.TemporaryDirectory(prefix="handrail-permit-") as folder:
            received = Path(folder) / "permit"
            received.write_bytes(content)
            states = open_permits(self.settings).read(received).tree_digest
        if states != expected:
            raise Refused(f"The permit for {expected}", (f"The server sent one for {states}.",))

    def digest_behind(self, alias: str) -> str | None:
        """Return the tree digest of the version that the alias points at on the server, as the gate promoted it.

        None without such an alias: the gate decides again, and asks for the comparison if it sees one.

        Raises:
            Unavailable: the server does not answer, or does not let this account read the model.
        """
        version = self._version_behind(alias)
        if version is None:
            return None
        promoted = [each for each in self.gate.requests(alias) if each["verdict"] == "promoted"]
        digests = [str(each["tree_digest"]) for each in promoted if str(each["version"]) == version]
        return digests[-1] if digests else None

    def _version_behind(self, alias: str) -> str | None:
        # The model with all its aliases: for a missing alias MLflow answers 400, as for a request that it rejects.
        server = f"The MLflow server at {self.settings.url('mlflow')}"
        try:
            answer = self.server.get("/api/2.0/mlflow/registered-models/get", params={"name": self.settings.model_name})
        except httpx.HTTPError as err:
            raise Unavailable(server, str(err) or type(err).__name__, "Start it with 'make up'.") from err
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            remedy = f"See its log, and the account {self.login.username!r}."
            raise Unavailable(server, f"it answered {answer.status_code}", remedy)
        aliases = answer.json()["registered_model"].get("aliases", [])
        return next((str(each["version"]) for each in aliases if each["alias"] == alias), None)

    @contextmanager
    def champion(self, digest: str, alias: str) -> Iterator[Scorer]:
        """Lend the model that the alias points at, loaded from a copy whose bytes the permit covers."""
        from handrail.scoring import Scorer

        permits, use = open_permits(self.settings), project_use(self.settings, alias=alias)
        permit = permits.find(digest, use)
        with self.lend(permits.read(permit)) as tree, tempfile.TemporaryDirectory(prefix="handrail-champion-") as place:
            copy = Path(place) / "tree"
            permits.verify(tree, permit, copy, use)
            yield Scorer.load(copy)

    @contextmanager
    def lend(self, permitted: PermittedVersion) -> Iterator[Path]:
        """Lend the permitted tree: the project's own package while it is the one, else the registered artifact."""
        package = self.settings.project / TREE
        if package.is_dir() and tree_digest(package) == permitted.tree_digest:
            yield package
            return
        version = permitted.version
        with tempfile.TemporaryDirectory(prefix="handrail-tree-") as place:
            folder = as_account.download_version(self.tracking, (version.name, version.version), Path(place))
            if ADDED_BY_MLFLOW not in permitted.files:
                (folder / ADDED_BY_MLFLOW).unlink(missing_ok=True)
            yield folder

    def close(self) -> None:
        """Close the connections, if any were opened."""
        for name in ("gate", "server"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    def __enter__(self) -> Self:
        """Return this desk; nothing is opened yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close it, also after an error."""
        self.close()


@contextmanager
def open_desk(settings: Settings, account: str) -> Iterator[Desk]:
    """Open a platform and a desk on it; both are closed at the end of the block."""
    with open_platform(settings) as platform, Desk(platform, account) as desk:
        yield desk

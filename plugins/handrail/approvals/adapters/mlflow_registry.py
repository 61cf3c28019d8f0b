"""The model registry of the MLflow server that this process is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from handrail.approvals.adapters.mlflow_prompts import is_prompt, texts_in
from handrail.approvals.domain.prompts import prompt_address
from handrail.approvals.domain.standing import Pointed
from handrail.approvals.domain.subject import Candidate
from handrail.approvals.ports import Registry
from handrail.errors import Refused, Unavailable, UnknownReference

PAGE = 1000
"""The most registered models that MLflow returns at once."""
PROMPTS = "tag.`mlflow.prompt.is_prompt` = 'true'"
Move = tuple[str, str, int]
_allowed: ContextVar[Move | None] = ContextVar("handrail_allowed_move", default=None)


def is_allowed_move(model: str, alias: str, version: Any) -> bool:
    """Say whether exactly this move is the gate's own, made in this context at this moment."""
    return _allowed.get() is not None and _allowed.get() == (model, alias, _number(version))


class MlflowRegistry(Registry):
    """Keeps the promise of `Registry` over the stores inside the server process."""

    def __init__(self, registry: Callable[[], Any], tracking: Callable[[], Any], artifacts: Path) -> None:
        """Use the server's registry store and tracking store; `artifacts` is the folder that it serves files from."""
        self._registry = registry
        self._tracking = tracking
        self._artifacts = artifacts.resolve()

    def candidate(self, model: str, version: str) -> Candidate:
        """Return the version as it is now.

        Raises:
            UnknownReference: there is no such model or version.
            Refused: its files are outside the folder that the server keeps.
        """
        with _translated("registered model", f"{model}/{version}"):
            registered = self._registry().get_registered_model(model)
            found = self._registry().get_model_version(model, version)
            run = self._tracking().get_run(found.run_id) if found.run_id else None
            tree, texts = self._content(registered, found)
            return Candidate(
                model=found.name,
                epoch=int(registered.creation_timestamp),
                version=int(found.version),
                created=int(found.creation_timestamp),
                tree=tree,
                run_id=found.run_id or None,
                experiment_id=run.info.experiment_id if run else None,
                logged_model_id=_logged_model(found.source),
                texts=texts,
            )

    def _content(self, registered: Any, found: Any) -> tuple[str, dict[str, str] | None]:
        """Return where the files of a version are; of a prompt its address, and its texts."""
        label = f"version {found.version} of {found.name!r}"
        if is_prompt(registered, found):
            return prompt_address(found.name, int(found.version)), texts_in(found.tags, label)
        uri = self._registry().get_model_version_download_uri(found.name, str(found.version))
        return str(self._tree(uri, label)), None

    def place(self, model: str, version: str) -> Path:
        """Return the folder of a version's files.

        Raises:
            UnknownReference: there is no such version.
            Refused: its files are outside the folder that the server keeps.
        """
        with _translated("registered model", f"{model}/{version}"):
            uri = self._registry().get_model_version_download_uri(model, version)
            return self._tree(uri, f"version {version} of {model!r}")

    def incumbent(self, model: str, alias: str) -> int | None:
        """Return the version that the alias points at, None if at none."""
        with _translated("registered model", model):
            aliases = self._registry().get_registered_model(model).aliases
        version = aliases.get(alias)
        return None if version is None else int(version)

    def listed_aliases(self) -> Sequence[Pointed]:
        """Return every alias of every registered model, and of every prompt: MLflow's search gives one sort at once."""
        with _translated("registered models", "all"):
            return [*self._pointed(None, prompt=False), *self._pointed(PROMPTS, prompt=True)]

    def _pointed(self, wanted: str | None, *, prompt: bool) -> Iterator[Pointed]:
        token = None
        while True:
            page = self._registry().search_registered_models(wanted, max_results=PAGE, page_token=token)
            for registered in page:
                epoch = int(registered.creation_timestamp)
                for alias, version in registered.aliases.items():
                    yield Pointed(registered.name, epoch, alias, int(version), prompt)
            token = page.token
            if not token:
                return

    def point(self, model: str, alias: str, version: int) -> None:
        """Make the alias point at the version, past the guard that stops everybody else.

        Raises:
            Unavailable: MLflow did not commit it.
        """
        token = _allowed.set((model, alias, version))
        try:
            self._registry().set_registered_model_alias(model, alias, version)
        except Exception as err:  # noqa: BLE001 - whatever MLflow or its database raises, the move did not happen
            raise Unavailable(
                f"Moving {alias!r} of {model!r}",
                f"MLflow did not commit it: {err}",
                "Repeat the decision to finish it.",
            ) from err
        finally:
            _allowed.reset(token)

    def _tree(self, uri: str, label: str) -> Path:
        """Resolve an artifact URI to a folder below the one that the server keeps."""
        parsed = urlparse(uri)
        if parsed.scheme == "runs":
            run_id, _, path = uri.removeprefix("runs:").lstrip("/").partition("/")
            return self._tree(f"{self._tracking().get_run(run_id).info.artifact_uri.rstrip('/')}/{path}", label)
        if parsed.scheme == "models":
            found = self._tracking().get_logged_model(uri.removeprefix("models:").strip("/"))
            return self._tree(found.artifact_location, label)
        if parsed.scheme == "mlflow-artifacts":
            folder = self._artifacts / unquote(parsed.path).lstrip("/")
        elif parsed.scheme in ("", "file"):
            folder = Path(unquote(parsed.path))
        else:
            raise _outside(label, uri)
        resolved = folder.resolve()
        if resolved == self._artifacts or not resolved.is_relative_to(self._artifacts):
            raise _outside(label, uri)
        return resolved


def _logged_model(source: str | None) -> str | None:
    name = (source or "").removeprefix("models:").strip("/")
    return name if source and source.startswith("models:") and name.startswith("m-") and "/" not in name else None


def _outside(label: str, uri: str) -> Refused:
    return Refused(
        f"Promoting {label}",
        (
            f"Its files at {uri!r} are not below the folder that this server serves artifacts from. "
            "Log the model to this server and register that.",
        ),
    )


def _number(version: Any) -> int | None:
    try:
        return int(version)
    except (TypeError, ValueError):
        return None


@contextmanager
def _translated(kind: str, name: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as err:
        if err.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise UnknownReference(kind, name, "Register it on this server first.") from err
        raise Unavailable("MLflow's store", str(err.message), "See the server's log.") from err

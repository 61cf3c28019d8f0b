"""Compares a packaged tree with the one that an alias points at, on the validation window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from flows.steps.modelling.compare import compare
from flows.steps.project.accounts import read_account
from flows.steps.release import promote
from flows.steps.release.deploy import find_permit, lend_tree
from handrail.bootstrap.approvals import open_permit_verifier, tree_digest
from handrail.errors import Refused
from handrail.http import GateClient
from handrail.settings import Settings

if TYPE_CHECKING:
    import polars as pl

ROWS = Path("data") / "training" / "validate.parquet"


def compare_with_incumbent(settings: Settings, project: Path, account: str, alias: str) -> dict[str, Any] | None:
    """Score the validation window with both trees and compare them, paired by flight and clustered by day.

    Returns what `compare` returns and the incumbent's tree digest; None if the alias points at nothing yet, or at
    this very tree.

    Raises:
        Refused: the incumbent needs a feature that the validation rows do not have.
    """
    import polars as pl

    incumbent = digest_behind(settings, account, alias)
    if incumbent is None or incumbent == tree_digest(project / promote.TREE):
        return None
    rows = pl.read_parquet(project / ROWS)
    permit = open_permit_verifier(settings).read(find_permit(settings, incumbent))
    with lend_tree(settings, permit, account) as tree:
        champion = _score(tree, rows)
    challenger = _score(project / promote.TREE, rows)
    found = compare(champion, challenger, rows["late"].to_numpy(), rows["day"].cast(pl.String).to_numpy())
    return found | {"incumbent": incumbent, "rows": str(ROWS)}


def digest_behind(settings: Settings, account: str, alias: str) -> str | None:
    """Return the tree digest of the version that the alias points at on the server, as the gate promoted it."""
    login = read_account(settings, account)
    answer = httpx.get(
        f"{settings.url('mlflow')}/api/2.0/mlflow/registered-models/alias",
        params={"name": settings.model_name, "alias": alias},
        auth=(login.username, login.password),
        timeout=60,
    )
    if answer.status_code != 200:
        return None  # no such alias: the gate decides again, and asks for the comparison if it sees one
    version = str(answer.json()["model_version"]["version"])
    with GateClient(settings.url("mlflow"), login.username, login.password) as gate:
        promoted = [each for each in gate.requests(alias) if each["verdict"] == "promoted"]
    digests = [str(each["tree_digest"]) for each in promoted if str(each["version"]) == version]
    return digests[-1] if digests else None


def _score(tree: Path, rows: pl.DataFrame) -> Any:
    from bentos.flights.scoring import Scorer

    scorer = Scorer.load(tree)
    if missing := [name for name in scorer.features if name not in rows.columns]:
        raise Refused(
            "Comparing with the champion",
            (f"It needs {', '.join(missing)}, which the validation rows lack: keep its features until replaced.",),
        )
    return scorer.score({name: rows[name].to_list() for name in scorer.features}).astype(float)

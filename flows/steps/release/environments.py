"""The same bytes from one environment to the next: only with the permit of the one before, and what was seen there.

config/environments.yaml says which environment comes after which. Each has a gate, policies and a key of its own, so a
permit of one allows nothing in another; what it proves there is that exactly these bytes were allowed here.
`python -m flows.steps.release.environments` prints that as the evidence `origin`, for a pipeline to sign.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from flows.steps.release.promote import TREE
from handrail.approvals import Permit, PermitVerifier, UnverifiedBytes
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.approvals_policy import permit_in
from handrail.config import Section, read_config
from handrail.errors import HandrailError, Misconfigured, Refused
from handrail.files import sha256_of
from handrail.monitored import ALERT, FORMAT
from handrail.refs import Use
from handrail.settings import Settings, load_settings

FILE = "environments.yaml"


class Before(Section):
    """The environment before, and where its proofs lie; paths are below the project.

    `key` is its gate's public key, `permits` a copy of its folder of permits, `observed` one of its folder
    monitoring/findings. `least_predictions` are those that its records have to hold about these bytes.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    server: str = Field(min_length=1)
    key: str = Field(min_length=1)
    permits: str = Field(min_length=1)
    observed: str | None = None
    least_predictions: int = Field(default=0, ge=0)


class EnvironmentRules(Section):
    """One environment: what it comes after, None for the first one."""

    after: Before | None = None


class EnvironmentsFile(Section):
    """Everything in config/environments.yaml."""

    version: int = Field(ge=1, le=1)
    environments: dict[str, EnvironmentRules]


def read_before(settings: Settings) -> Before | None:
    """Return the environment before this one; None where there is none, or no file says so.

    Raises:
        Misconfigured: the file cannot be used, or does not name this environment.
    """
    file = settings.config / FILE
    if not file.is_file():
        return None
    known = read_config(file, EnvironmentsFile).environments
    if settings.environment not in known:
        problem = f"it does not name {settings.environment!r}, where this is"
        raise Misconfigured(str(file), problem, f"Name it, or set environment to one of {', '.join(sorted(known))}.")
    return known[settings.environment].after


def origin_of(settings: Settings, project: Path, alias: str) -> dict[str, Any] | None:
    """Check that the packaged tree is what the environment before permits, and return the evidence `origin`.

    Returns:
        `permitted` (1), the environment, the permit and its digest, tree, version, approvers, and of what was observed
        there the `predictions` and `alerts`; None in the first environment.

    Raises:
        Misconfigured: config/environments.yaml or the key cannot be used.
        Refused: there is no permit, it is forged, expired, taken back, for another use or for other bytes; or too
            little was observed.
    """
    before = read_before(settings)
    if before is None:
        return None
    tree = project / TREE
    digest = tree_digest(tree)
    what = f"Promoting {digest} from {before.name} to {settings.environment}"
    use = Use(before.server, settings.model_name, alias, before.name)
    file = permit_in(settings.project / before.permits, use, digest)
    if not file.is_file():
        remedy = f"Have these very bytes promoted in {before.name} first, and copy its permits to {before.permits}."
        raise Refused(what, (f"{before.name} has no permit for these bytes. {remedy}",))
    permit, key_id = _verified(settings, before, tree, file, use)
    observed = _observed(settings, before, digest)
    if observed["predictions"] < before.least_predictions:
        reason = (
            f"{before.name} answered {observed['predictions']} times with these bytes as far as {before.observed} "
            f"says, and {before.least_predictions} are wanted (least_predictions). Let it answer longer, and copy its "
            "records."
        )
        raise Refused(what, (reason,))
    return {
        "permitted": 1,
        "environment": before.name,
        "server": before.server,
        "permit": permit.uri,
        "permit_digest": sha256_of(file),
        "key_id": key_id,
        "version": permit.version,
        "tree_digest": digest,
        "approvers": list(permit.approvers),
        "issued": permit.issued,
        **observed,
    }


def _verified(settings: Settings, before: Before, tree: Path, file: Path, use: Use) -> tuple[Permit, str]:
    """Return the permit of the environment before for exactly these bytes, and the id of the key that signed it."""
    verifier = PermitVerifier(settings.project / before.key, revoked=settings.project / before.permits / "revoked.dsse")
    with tempfile.TemporaryDirectory(prefix="handrail-origin-") as folder:
        try:
            return verifier.verify(tree, file, Path(folder) / "copy", use), verifier.key_id
        except UnverifiedBytes as err:
            what = f"Promoting {use.model} from {before.name} to {settings.environment}"
            raise Refused(what, (f"The permit of {before.name} does not hold: {err}",)) from err


def _observed(settings: Settings, before: Before, digest: str) -> dict[str, Any]:
    """Return what the records of the environment before say about a deployment of these bytes."""
    records = list(_records(settings.project / before.observed, before.name, digest)) if before.observed else []
    findings = [finding for record in records for finding in record.get("findings", [])]
    alerts = sorted({str(each.get("kind")) for each in findings if each.get("state") == ALERT})
    seen = (record.get("performance", {}) for record in records)
    return {
        "predictions": sum(int(each.get("predictions", 0)) for each in seen),
        "alerts": len(alerts),
        "alerted": alerts,
    }


def _records(folder: Path, environment: str, digest: str) -> Iterator[Mapping[str, Any]]:
    # The name of a deployment ends in the bento's version, which holds twelve digits of its tree.
    within = f"-{digest.removeprefix('sha256:')[:12]}-"
    for file in sorted(folder.glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and record.get("format") == FORMAT:
            deployment = str(record.get("deployment"))
            if deployment.startswith(f"deploy://{environment}/") and within in f"{deployment}-":
                yield record


def main() -> int:
    """Print the evidence `origin` of the project's packaged tree as JSON; return 1 with a sentence if it is refused."""
    settings = load_settings()
    try:
        found = origin_of(settings, settings.project, settings.model_alias)
    except HandrailError as err:
        sys.stderr.write(f"error: {err}\n")
        return 1
    sys.stdout.write(f"{json.dumps(found, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

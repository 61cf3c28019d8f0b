"""Records which registered model version a service serves that is no bento, in lineage and in feedback."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from handrail.bootstrap import Platform
from handrail.clock import system_time
from handrail.delivery import Slot
from handrail.errors import InvalidInput, MissingFile, UnknownReference
from handrail.lineage import Trace
from handrail.refs import Deployment

__all__ = ["Served", "read_deployment", "record_deployment"]

URI = re.compile(r"deploy://(?P<environment>[^/\s]+)/(?P<service>[^/\s]+)/(?P<version>[^/\s]+)")
SHORT = re.compile(r"(?P<service>[^/:\s]+)/(?P<version>[^/:\s]+)")
MODEL_VERSION = "model-version"


@dataclass(frozen=True, slots=True)
class Served:
    """What a deployment serves: URIs of both, and the digest of the files that it loaded if they were given."""

    deployment: str
    model_version: str
    tree_digest: str | None


def read_deployment(text: str, environment: str = "local") -> Deployment:
    """Read the name of a deployment: its URI, or SERVICE/VERSION for one in `environment`.

    Raises:
        InvalidInput: it is neither.
    """
    if match := URI.fullmatch(text):
        return Deployment(match["environment"], match["service"], match["version"])
    if match := SHORT.fullmatch(text):
        return Deployment(environment, match["service"], match["version"])
    remedy = "Write it as deploy://production/espresso/7, or as espresso/7 for one in your environment."
    raise InvalidInput("deployment", f"{text!r} names none", remedy)


def record_deployment(
    deployment: str, serves: str, files: Path | None = None, platform: Platform | None = None
) -> Served:
    """Record which registered model version a service serves, so that its predictions trace. Safe to repeat.

    `deployment` is the one that its predictions name, `serves` is models:/NAME/3, NAME/3 or the version's URI, `files`
    the folder that the service loaded. `platform` is that of the project around the current folder if None. Recording
    an earlier deployment again says that the service went back to it.

    Raises:
        InvalidInput: `deployment` is no name of one.
        UnknownReference: no such version is recorded.
        MissingFile: `files` is not there.
        Conflict: the deployment is recorded with other facts.
    """
    if platform is None:
        from handrail.bootstrap import open_platform

        with open_platform() as opened:
            return record_deployment(deployment, serves, files, opened)
    named = read_deployment(deployment, platform.settings.environment)
    digest = None if files is None else _digest_of(files)
    version = _version(platform.lineage.trace(serves, depth=1))
    known = {each.uri: each for each in platform.feedback.deployments()}.get(named.uri)
    if digest is not None or known is None or known.model_version_uri != version:
        platform.feedback.register_deployment(named.uri, digest, version)
    platform.lineage.record_serving(named, version, tree_digest=digest)
    slot = Slot(named.environment, named.service).pointer
    now = platform.lineage.pointer_at(slot, system_time())
    if now is None or now.target != named.uri:
        platform.lineage.point(slot, named, system_time(), named.uri)
    return Served(named.uri, version, digest)


def _version(found: Trace) -> str:
    kind = next(node.kind for node in found.nodes if node.uri == found.start)
    if kind != MODEL_VERSION:
        remedy = "Name one such as models:/NAME/3; handrail lineage collect mlflow records those of a server."
        raise UnknownReference("model version", found.start, remedy)
    return found.start


def _digest_of(files: Path) -> str:
    from handrail.bootstrap.approvals import tree_digest

    if not files.is_dir():
        raise MissingFile(str(files), "Name the folder that the service loaded the model from.")
    return tree_digest(files)

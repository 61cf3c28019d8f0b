"""What lineage records of a bento in BentoML's store, and of a service that serves it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from handrail.bootstrap.bento_files import BentoStore, StoredBento, bento_digest
from handrail.errors import HandrailError, UnknownReference
from handrail.lineage import ActivityDetails, Lineage, artifact_at, tree_uri
from handrail.manifest import digest_of_bytes
from handrail.refs import ArtifactVersion, Deployment, GitCommit
from handrail.settings import Settings

__all__ = ["bento_digest", "bento_home", "bento_of", "find_bentos", "find_served", "record_bento", "record_serving"]

TOOL = "bentoml"
LABELS_OF_A_COMMIT = ("git_commit", "git_sha")
MAX_LABEL = 500
_COMMIT = re.compile(r"[0-9a-f]{40}")


def bento_home(settings: Settings) -> Path:
    """Return where BentoML keeps its store: `BENTOML_HOME`, else the project's, else that of the person."""
    given = os.environ.get("BENTOML_HOME")
    ours = settings.home / "bentoml"
    return Path(given) if given else ours if ours.is_dir() else Path.home() / "bentoml"


def find_bentos(home: Path, tag: str | None = None) -> Iterator[StoredBento | HandrailError]:
    """Return the bentos of a store, or the one of that tag (`name:version`, or a name for all of its versions).

    For one that cannot be read, the reason is returned instead.

    Raises:
        UnknownReference: there is no bento, or none of that tag.
    """
    store = BentoStore(home)
    name, _, version = (tag or "").partition(":")
    wanted = [
        folder
        for folder in store.folders()
        if name in ("", folder.parent.name) and (version or folder.name) == folder.name
    ]
    if not wanted:
        raise UnknownReference("bento", tag or "*", f"The store is {home}: build it, or name another store.")
    return (_read(store, folder) for folder in wanted)


def _read(store: BentoStore, folder: Path) -> StoredBento | HandrailError:
    try:
        return store.read(folder)
    except HandrailError as err:
        return err


def find_served(home: Path, service: str, version: str) -> StoredBento | None:
    """Return the bento of that version whose service has that name; None if the store does not hold it."""
    store = BentoStore(home)
    folder = store.served_as(service, version)
    return store.read(folder) if folder else None


def bento_of(file: Path) -> StoredBento | None:
    """Return the bento that a source file belongs to; None for a file of a checkout.

    Raises:
        InvalidInput: it cannot be read.
    """
    folder = next((each for each in file.resolve().parents if (each / "bento.yaml").is_file()), None)
    if folder is None:
        return None
    given = os.environ.get("BENTOML_HOME")
    # In an image a bento may lie right below the root: there is no store around it then.
    around = folder.parents[2:3] or folder.parents[-1:]
    return BentoStore(Path(given) if given else around[0]).read(folder)


def record_bento(lineage: Lineage, settings: Settings, bento: StoredBento) -> tuple[str, ...]:
    """Record what a bento was built from and carries; return what is missing, in a sentence each. Safe to repeat."""
    built = ArtifactVersion(bento.tag.uri, "bento", bento.digest, _labels(bento))
    trees = [_tree(digest) for digest in _all_trees(bento)]
    models = [artifact_at(model.uri, model.digest) for model in bento.models]
    lineage.record_activity(
        f"bento-build://{bento.tag.uri.partition('://')[2]}",
        "bento-build",
        used=[*models, *trees, *_commit(settings, bento)],
        generated=[built],
        details=ActivityDetails(ended=bento.built_at, asserted_by=TOOL),
    )
    for model, artifact in zip(bento.models, models, strict=True):
        lineage.derive(built, artifact, asserted_by=TOOL)
        for digest in model.trees:
            lineage.derive(artifact, _tree(digest), agreed=digest, asserted_by=TOOL)
    for tree in trees:
        lineage.derive(built, tree, asserted_by=TOOL)
    missing = [f"{model.uri}: the store does not hold it any more." for model in bento.models if model.digest is None]
    return (*missing, *_record_permit(lineage, settings, bento))


def record_serving(lineage: Lineage, settings: Settings, bento: StoredBento) -> Deployment:
    """Record that the environment serves a bento from the store, and the tree in it. Safe to repeat."""
    deployment = Deployment(settings.environment, bento.tag.name, bento.tag.version)
    trees = _all_trees(bento)
    lineage.record_deployment(
        deployment, bento.tag, bento_digest=bento.digest, tree_digest=trees[0] if len(trees) == 1 else None
    )
    return deployment


def _record_permit(lineage: Lineage, settings: Settings, bento: StoredBento) -> tuple[str, ...]:
    """Record the permit in a bento as one for the bytes beside it: whether it is for these is the doctor's question."""
    if bento.permit is None or not bento.trees:
        return ()
    from handrail.bootstrap.approvals import open_permit_verifier

    try:
        permit = open_permit_verifier(settings).read(bento.permit)
    except HandrailError as err:
        return (str(err),)
    allowed = ArtifactVersion(permit.uri, "permit", digest_of_bytes(bento.permit.read_bytes()))
    for tree in bento.trees:
        lineage.record_bento(bento.tag, allowed, tree_digest=tree, digest=bento.digest)
    return ()


def _all_trees(bento: StoredBento) -> Sequence[str]:
    return sorted({*bento.trees, *(digest for model in bento.models for digest in model.trees)})


def _tree(digest: str) -> ArtifactVersion:
    return artifact_at(tree_uri(digest), digest)


def _commit(settings: Settings, bento: StoredBento) -> list[ArtifactVersion]:
    named = {bento.labels.get(label, "") for label in LABELS_OF_A_COMMIT}
    commits = sorted(commit for commit in named if _COMMIT.fullmatch(commit))
    return [artifact_at(GitCommit(settings.repository, commit).uri, f"git:{commit}") for commit in commits]


def _labels(bento: StoredBento) -> dict[str, str]:
    return {f"label.{name}": value[:MAX_LABEL] for name, value in bento.labels.items()}

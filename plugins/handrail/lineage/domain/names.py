"""URIs of what `handrail.refs` does not name, and the kind that the form of a URI has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from handrail.errors import InvalidInput
from handrail.lineage.domain.limits import MAX_URI_BYTES
from handrail.refs import ArtifactVersion, DataVersion, FeedbackSnapshot

# Control and bidirectional characters, which make a terminal show another text than the one it was given.
_UNSHOWABLE = r"\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
_URI = re.compile(rf"[a-z][a-z0-9+.-]*://[^\s{_UNSHOWABLE}]+")
UNSHOWABLE = re.compile(f"[{_UNSHOWABLE}]")
PLAIN = "/@:+~.-_"
"""The signs that a name keeps in a URI, beside letters and digits."""
_DIGEST = re.compile(r"[a-z0-9][a-z0-9-]{0,31}:[0-9a-f]{1,128}(\.dir)?")
_KINDS: Sequence[tuple[re.Pattern[str], str]] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"git://", "git-commit"),
        (r"dvc-stage://", "dvc-stage"),
        (r"dvc://", "dvc-data"),
        (r"feast://[^/]+/feature_service/", "feature-service"),
        (r"feast://[^/]+/feature_view/", "feature-view"),
        (r"feast://[^/]+/data_source/", "data-source"),
        (r"feast://[^/]+/retrieval/[^/]+/rows$", "feature-rows"),
        (r"feast://[^/]+/retrieval/", "feature-retrieval"),
        (r"feast://[^/]+/materialization/", "materialization"),
        (r"feast://[^/]+/push/", "feature-push"),
        (r"feast://[^/]+/online_read/", "online-read"),
        (r"feast://[^/]+/online/", "online-features"),
        (r"feast://[^/]+/apply/", "feature-apply"),
        (r"gx://[^/]+/checkpoint/", "checkpoint-run"),
        (r"gx://", "validation"),
        (r"evidently://[^/]+/evaluation/", "evaluation"),
        (r"bento-build://", "bento-build"),
        (r"mlflow://[^/]+/run/", "tracking-run"),
        (r"mlflow://[^/]+/registered/", "model-version"),
        (r"mlflow://[^/]+/model/", "logged-model"),
        (r"mlflow://[^/]+/dataset/", "tracked-dataset"),
        (r"stage-inputs://", "stage-inputs"),
        (r"tree://", "artifact-tree"),
        (r"approval://.*/decision$", "promotion-decision"),
        (r"approval://", "permit"),
        (r"policy://", "policy"),
        (r"reproduction://", "reproduction"),
        (r"bento-model://", "bento-model"),
        (r"bento://", "bento"),
        (r"deploy://", "deployment"),
        (r"feedback://[^/]+/snapshot/", "feedback-snapshot"),
        (r"evidently://[^/]+/report/", "report"),
        (r"prefect://[^/]+/flow-run/", "flow-run"),
        (r"prefect://[^/]+/task-run/[^/]+/result$", "task-result"),
        (r"prefect://[^/]+/task-run/", "task-run"),
        (r"prefect://[^/]+/deployment/", "flow-deployment"),
        (r"actor://", "actor"),
        (r"openlineage-run://", "run"),
        (r"openlineage-job://", "job"),
        (r"openlineage://", "dataset"),
    )
)
KNOWN_KINDS = frozenset(kind for _, kind in _KINDS) | {"source-file"}
# The producer of a dataset knows its kind best; a file under DVC may be a source file.
_OPEN_KINDS = frozenset({"dataset"})
_SECOND_KINDS = frozenset({("dvc-data", "source-file")})


@lru_cache(maxsize=16_384)
def kind_of(uri: str) -> str:
    """Return the kind of a URI by its form, or its scheme if Handrail does not know the form."""
    return next((kind for pattern, kind in _KINDS if pattern.match(uri)), uri.partition("://")[0])


def artifact_at(uri: str, digest: str | None = None) -> ArtifactVersion:
    """Return the artifact at a URI, its kind read from the URI's form."""
    return ArtifactVersion(uri, kind_of(uri), digest)


def tree_uri(digest: str) -> str:
    """`tree://<algorithm>/<hex>`: a folder of files by the digest of its manifest, wherever it is stored."""
    algorithm, _, value = check_digest("tree_digest", digest).partition(":")
    return f"tree://{algorithm}/{value}"


def permit_uri(gate: str, digest: str) -> str:
    """`approval://<gate>/<sha256 of the statement>`."""
    return f"approval://{quote(gate, safe='@:+~.-_')}/{check_digest('permit digest', digest).partition(':')[2]}"


def inputs_uri(fingerprint: str) -> str:
    """`stage-inputs://sha256/<hex>`: everything that a stage reads, as the one sha256 that its runs are tagged with."""
    return f"stage-inputs://sha256/{check_digest('stage_inputs', f'sha256:{fingerprint}').removeprefix('sha256:')}"


def snapshot_uri(store: str, digest: str) -> str:
    """`feedback://<store>/snapshot/<digest>`, the digest with its algorithm."""
    return FeedbackSnapshot(check_digest("snapshot digest", digest), store).uri


def report_uri(project: str, report_id: str) -> str:
    """`evidently://<project>/report/<id>`."""
    return f"evidently://{quote(project, safe='@:+~.-_')}/report/{quote(report_id, safe='@:+~.-_')}"


def data_prefix(repository: str, path: str) -> str:
    """Return what the URIs of all versions of a project path begin with, the `@` before the version left out."""
    return DataVersion(repository, path, "").uri.removesuffix("@")


def agent_uri(identity_provider: str, subject: str) -> str:
    """`actor://<identity provider>/<subject>`: a person or a service, as the identity provider names them."""
    return f"actor://{quote(identity_provider, safe='@:+~.-_')}/{quote(subject, safe='@:+~.-_')}"


def shorten_uri(uri: str) -> str:
    """Return `uri`, or if it is too long for a node its beginning and its sha256.

    Producers may give names of any length; the whole name stays in the attributes of the node.
    """
    if len(uri) <= MAX_URI_BYTES:
        return uri
    digest = hashlib.sha256(uri.encode()).hexdigest()
    # An escaped character may not be cut in two.
    kept = re.sub(r"%.?$", "", uri[: MAX_URI_BYTES - len(digest) - 1])
    return f"{kept}~{digest}"


def check_uri(field: str, uri: str) -> str:
    """Return `uri` if it can name a node.

    Raises:
        InvalidInput: it is too long, holds blanks or control characters, or lacks a scheme.
    """
    if len(uri.encode(errors="replace")) > MAX_URI_BYTES:
        raise InvalidInput(
            field, f"the URI {uri[:60]!r}... is too long", f"Use at most {MAX_URI_BYTES} bytes in UTF-8."
        )
    if not _URI.fullmatch(uri):
        raise InvalidInput(field, f"{uri!r} is not a URI", "Write scheme://name without blanks or control characters.")
    return uri


def check_kind(field: str, uri: str, kind: str) -> str:
    """Return `kind` if a thing with that URI can have it: the smallest kind ever recorded stays, for all readers.

    Raises:
        InvalidInput: the URI's form has another kind that Handrail knows.
    """
    form = kind_of(uri)
    if kind == form or form in _OPEN_KINDS or form not in KNOWN_KINDS or (form, kind) in _SECOND_KINDS:
        return kind
    raise InvalidInput(field, f"{kind!r} is not what {uri!r} is", f"Say {form}, or leave the kind out.")


def check_digest(field: str, digest: str) -> str:
    """Return `digest` if it has the form `<algorithm>:<hex>`.

    Raises:
        InvalidInput: it has another form.
    """
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput(
            field, f"{digest!r:.80} is not a digest", "Write <algorithm>:<lower-case hex>, as in sha256:9f86..."
        )
    return digest

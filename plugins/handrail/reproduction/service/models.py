"""How a model to reproduce is named, and what lineage keeps of a reproduction."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from handrail.errors import UnknownReference
from handrail.lineage import ActivityDetails, AmbiguousReference, Lineage, artifact_at, tree_uri
from handrail.refs import SAFE, GitCommit, ModelAlias
from handrail.reproduction.service.plan import Reproduction

MOST_VERSIONS = 100_000
_VERSION = re.compile(r"(?:models:/)?([^/]+)/(\d+)")
_ALIAS = re.compile(r"(?:models:/)?([^/]+)@([^/@\s]+)")


@dataclass(frozen=True, slots=True)
class Models:
    """The models that lineage knows, and the reproductions recorded beside them.

    `find` returns what lineage holds that begins with a prefix, up to a number; `server` is the name of the project's
    MLflow server, empty if it has none; `repository` is the project's name in `git://` and `reproduction://` URIs.
    """

    lineage: Lineage
    find: Callable[[str, int], Sequence[str]]
    server: str
    repository: str

    def uri(self, name: str, at: datetime) -> str:
        """Return the URI behind `orders/3`, `models:/orders/3` or, at that moment, `orders@champion`.

        Anything else is returned as it is: a URI, or a prediction id.

        Raises:
            UnknownReference: lineage knows no such version or alias.
            AmbiguousReference: the model was deleted and made again, so that its versions began again.
        """
        if found := _ALIAS.fullmatch(name):
            pointer = self.lineage.pointer_at(ModelAlias(found[1], found[2]).pointer, at)
            if pointer is None or pointer.target is None:
                raise UnknownReference("alias", name, "See where names pointed: handrail lineage timeline.")
            return pointer.target
        if found := _VERSION.fullmatch(name):
            return self._version(found[1], found[2])
        return name

    def record(self, reproduction: Reproduction, began: datetime, ended: datetime) -> str:
        """Record in lineage that a model was reproduced, or was not; return the activity's URI.

        It used the model, its tree and the commit, and generated nothing: equal bytes are the same artifact, which
        must not become its own cause.
        """
        recorded, commit = reproduction.plan.recorded, reproduction.plan.place.commit
        attributes = _attributes(reproduction)
        content = json.dumps([recorded.tree, commit, began.isoformat(), attributes], sort_keys=True)
        uri = f"reproduction://{self.repository}/{hashlib.sha256(content.encode()).hexdigest()}"
        used = [artifact_at(tree_uri(recorded.tree)), artifact_at(GitCommit(self.repository, commit).uri)]
        if recorded.version:
            used.append(artifact_at(recorded.version))
        details = ActivityDetails(began, ended, attributes, asserted_by="handrail reproduce")
        self.lineage.record_activity(uri, "reproduction", used=used, details=details)
        return uri

    def _version(self, model: str, version: str) -> str:
        known = self.find(f"mlflow://{self.server}/registered/{quote(model, safe=SAFE)}/", MOST_VERSIONS)
        fitting = [uri for uri in known if uri.rpartition("/")[2] == version]
        if not fitting:
            raise UnknownReference(
                "model version", f"{model}/{version}", "Give its URI, or register it on this project's MLflow server."
            )
        if len(fitting) > 1:
            raise AmbiguousReference(f"{model}/{version}", fitting)
        return fitting[0]


def _attributes(reproduction: Reproduction) -> Mapping[str, str]:
    found = {"verdict": reproduction.conclusion.result.value}
    if (first := reproduction.conclusion.first) is not None:
        found["first_difference"] = first.path
    if reproduction.environment is not None:
        found["packages_differ"] = str(len(reproduction.environment.differences))
    if (predictions := reproduction.predictions) is not None:
        found["rows_scored"] = str(predictions.rows)
        found["predictions_max_difference"] = f"{predictions.max_difference:.3g}"
    return found

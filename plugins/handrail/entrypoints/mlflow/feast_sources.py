"""The MLflow dataset source `feast://`: a feature service at its specification, or the rows of one historical read.

MLflow loads this module whenever it is imported: Feast is never imported here.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from handrail.errors import InvalidInput, Unavailable
from handrail.tools import require

require("mlflow", "mlflow")
from mlflow.data.dataset_source import DatasetSource  # noqa: E402

SCHEME = "feast://"
_SERVICE = re.compile(
    r"feast://(?P<project>[^/@\s]+)/feature_service/(?P<service>[^/@\s]+)@(?P<spec_hash>[0-9a-f]{64})"
)
_ROWS = re.compile(r"(?P<uri>feast://(?P<project>[^/@\s]+)/retrieval/(?P<retrieval>[0-9a-f]+))(/rows)?")


class FeastDatasetSource(DatasetSource):
    """Features as Feast gave them; `handrail.entrypoints.feast.provider` records what they were read from.

    `retrieval_of(frame)` of that package is the URI of the read that gave a frame.
    """

    def __init__(
        self, project: str, service: str | None = None, spec_hash: str | None = None, retrieval: str | None = None
    ) -> None:
        """Name a service of a Feast `project` with its `spec_hash` (sha256), or the id of a `retrieval`, or both."""
        self.project = project
        self.service = service
        self.spec_hash = spec_hash
        self.retrieval = retrieval

    @staticmethod
    def _get_source_type() -> str:
        return "feast"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith(SCHEME)

    @classmethod
    def _resolve(cls, raw_source: str) -> FeastDatasetSource:
        return cls(**_parse(raw_source))

    @property
    def uri(self) -> str:
        """The rows of the retrieval, which are the more exact name, else the service at its specification."""
        from handrail.refs import FeatureService

        service = FeatureService(self.project, self.service or "", self.spec_hash or "").uri
        begin = service.partition("/feature_service/")[0]
        return f"{begin}/retrieval/{self.retrieval}/rows" if self.retrieval else service

    def to_dict(self) -> dict[str, Any]:
        """Return what MLflow keeps of this source."""
        return {
            "uri": self.uri,
            "project": self.project,
            "service": self.service,
            "spec_hash": self.spec_hash,
            "retrieval": self.retrieval,
        }

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> FeastDatasetSource:
        """Read what `to_dict` wrote.

        Raises:
            InvalidInput: the URI is not that of a service or a retrieval.
        """
        known = _parse(str(source_dict.get("uri")))
        named = {name: source_dict[name] for name in ("service", "spec_hash", "retrieval") if source_dict.get(name)}
        return cls(**(known | named))

    def load(self) -> Any:
        """Say how to read the features again: the entity rows that they were read for are not kept.

        Raises:
            Unavailable: always.
        """
        again = f"store.get_feature_service({self.service!r})" if self.service else "the features of that retrieval"
        raise Unavailable(
            self.uri,
            "the entity rows that it was read for are not kept",
            f"Read again with store.get_historical_features(entity_df, {again}); "
            f"`handrail lineage trace {self.uri}` names the bytes of every source.",
        )


def _parse(uri: str) -> dict[str, str]:
    form = _SERVICE.fullmatch(uri) or _ROWS.fullmatch(uri)
    if form is None:
        raise InvalidInput(
            "source",
            f"{uri!r} is neither a feature service at its specification nor a retrieval",
            "Write feast://<project>/feature_service/<name>@<sha256>, or what retrieval_of(frame) says.",
        )
    return {name: unquote(text) for name, text in form.groupdict().items() if text and name != "uri"}

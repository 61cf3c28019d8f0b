"""What runs say of themselves, from the tracking store of the MLflow server that this process is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from handrail.approvals.difference_ports import TrainingRuns
from handrail.approvals.domain.sides import Dataset, NamedFeatures, RunFacts
from handrail.approvals.evidence_ports import EvidenceFiles
from handrail.errors import Refused, Unavailable, UnknownReference

IMPORTANCES = "evaluation/importance.json"
CONTEXT = "mlflow.data.context"
COMMITS = ("handrail.git_commit", "mlflow.source.git.commit")
CLEAN = ("handrail.git_dirty", "mlflow.source.git.dirty")
SERVICE, SPEC = "feature_service", "feature_service_spec_hash"
MOST = 5_000
"""The most parameters, datasets or features that are read of a run."""

LARGEST = 1e300
"""A weight that is larger says nothing, and may be too large to be computed with."""


class MlflowTrainingRuns(TrainingRuns):
    """Keeps the promise of `TrainingRuns` over the store inside the server process."""

    def __init__(self, tracking: Callable[[], Any], files: EvidenceFiles) -> None:
        """Use the server's tracking store, and the files of its runs."""
        self._tracking = tracking
        self._files = files

    def run(self, run_id: str) -> RunFacts:
        """Return what a run says now."""
        from mlflow.exceptions import MlflowException

        try:
            run = self._tracking().get_run(run_id)
        except MlflowException as err:
            if err.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise UnknownReference("run", run_id, "It may have been deleted for good.") from err
            raise Unavailable("MLflow's store", str(err.message), "See the server's log.") from err
        tags: Mapping[str, str] = run.data.tags
        parameters = dict(list(run.data.params.items())[:MOST])
        inputs = run.inputs.dataset_inputs if run.inputs else ()
        return RunFacts(
            run_id,
            parameters,
            next((tags[name] for name in COMMITS if tags.get(name)), None),
            _clean(tags),
            tuple(_datasets(list(inputs or ())[:MOST])),
            _service(parameters, tags),
            self._importances(run_id),
        )

    def _importances(self, run_id: str) -> Mapping[str, float] | None:
        try:
            _, content = self._files.read(run_id, IMPORTANCES)
        except (UnknownReference, Refused):
            return None
        listed = _json(content)
        found = {
            str(each["feature"]): float(each["value"])
            for each in (listed if isinstance(listed, list) else ())[:MOST]
            if isinstance(each, dict) and "feature" in each and _is_number(each.get("value"))
        }
        return found or None


def _clean(tags: Mapping[str, str]) -> bool | None:
    said = next((tags[name].lower() for name in CLEAN if tags.get(name)), "")
    return {"false": True, "true": False}.get(said)


def _service(parameters: Mapping[str, str], tags: Mapping[str, str]) -> NamedFeatures | None:
    name = tags.get("feast.feature_service") or parameters.get(SERVICE)
    spec = tags.get("handrail.feature_service_spec") or parameters.get(SPEC)
    return NamedFeatures(name, f"sha256:{spec}" if spec else None) if name else None


def _datasets(inputs: list[Any]) -> Iterator[Dataset]:
    for given in inputs:
        source, profile = _json(given.dataset.source), _json(given.dataset.profile)
        context = next((tag.value for tag in given.tags or () if tag.key == CONTEXT), "") or "input"
        md5 = source.get("md5") if isinstance(source, dict) else None
        rows = profile.get("num_rows") if isinstance(profile, dict) else None
        digest = f"md5:{md5}" if isinstance(md5, str) else str(given.dataset.digest or "")
        whole = rows if isinstance(rows, int) and not isinstance(rows, bool) else None
        yield Dataset(str(context), str(given.dataset.name or ""), digest, whole)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _json(text: bytes | str | None) -> Any:
    """Return what a text holds, None if that is no JSON."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None

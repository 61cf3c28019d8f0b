"""`make study-features`: what scaling, selection and extraction of features would change, each with an interval.

Reads what the features stage left; learns on the training window, and compares on the validation window, which no
choice has seen. No stage of dvc.yaml runs it: it takes minutes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field

from flows.steps.modelling.candidates import build
from flows.steps.modelling.compare import as_evidence
from flows.steps.modelling.judge import Judge
from flows.steps.modelling.model_params import ModelParams, read_model_params
from flows.steps.modelling.processing import NOW, Processing, by_time, prepare, select
from flows.steps.modelling.tracking import or_report
from flows.steps.modelling.tracking_store import open_tracking
from flows.steps.modelling.train import fit
from flows.steps.modelling.training_set import FOLDER, Manifest, Rows, read_manifest, read_rows
from flows.steps.project.outputs import write_json
from flows.steps.project.params import FILE
from handrail.config import Section, read_config
from handrail.errors import HandrailError
from handrail.files import sha256_of
from handrail.statistics import Answers, compare
from handrail.use_case import read_use_case

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

REPORT = Path("reports") / "study.json"
TAG = "handrail.study"


class StudyParams(Section):
    """Section `study` of params.yaml: what is tried."""

    # The same file has other keys, for the stages.
    model_config = ConfigDict(extra="ignore")

    study: Annotated[list[Processing], Field(min_length=1)]


def run(project: Path) -> dict[str, Any]:
    """Write reports/study.json of `project`, and log each choice to MLflow as a run; return the report.

    Raises:
        HandrailError: the features stage has not run, or params.yaml has no section `study` that can be used.
    """
    tried = read_config(project / FILE, StudyParams, shown=FILE).study
    case, manifest = read_use_case(project), read_manifest(project)
    params = read_model_params(project, case.label.kind)
    study = Study(Judge(case, params.package.threshold), manifest, params)
    train, validate = (read_rows(project, split, manifest, case) for split in ("train", "validate"))
    report = {
        "metric": case.main_metric.name,
        "inputs": {name: sha256_of(project / FOLDER / f"{name}.parquet") for name in ("train", "validate")},
        "rows": {"train": len(train.label), "validate": len(validate.label)},
        "choices": study.over(tried, train, validate),
    }
    write_json(project / REPORT, report)
    or_report(log_study, project)
    return report


class Study:
    """Compares choices with how the train stage prepares features now."""

    def __init__(self, judge: Judge, manifest: Manifest, params: ModelParams) -> None:
        self._judge, self._manifest, self._params = judge, manifest, params
        self._kept: dict[str, tuple[str, ...]] = {}

    def over(self, tried: list[Processing], train: Rows, validate: Rows) -> list[dict[str, Any]]:
        """Return how much better each choice is on the validation rows, whole clusters drawn for its interval."""
        now: dict[str, Answers] = {}
        for each in NOW:
            if each.model in {choice.model for choice in tried}:
                model = fit(build(each.of, self._manifest, self._params.model), train)
                now[each.model] = self._judge.answers(model, validate.inputs)
        found = []
        for number, choice in enumerate(tried, 1):
            sys.stderr.write(f"{number} of {len(tried)}: {choice.name}\n")
            found.append(self._judged(choice, now[choice.model], train, validate))
        return found

    def _judged(self, choice: Processing, now: Answers, train: Rows, validate: Rows) -> dict[str, Any]:
        features = self._features(choice, train)
        model, converged = _fitted(prepare(choice, self._manifest, features, self._params.model), train)
        found = compare(
            self._judge.metric,
            self._judge.kind,
            now,
            self._judge.answers(model, validate.inputs),
            validate.label,
            validate.cluster,
            margin=self._judge.case.metrics.margin,
            intervals=self._params.intervals.resampling,
        )
        left_out = [name for name in self._manifest.features if name not in features]
        said = "better" if found.low > 0 else "worse" if found.high < 0 else "undecided"
        effect = as_evidence(found)
        return {**choice.as_dict(), "left_out": left_out, "converged": converged, "effect": effect, "says": said}

    def _features(self, choice: Processing, train: Rows) -> tuple[str, ...]:
        """Return the features that a choice keeps; validation rows have no say in it."""
        if choice.selection == "all":
            return self._manifest.features
        if choice.of not in self._kept:
            early, late = by_time(train)
            model = fit(build(choice.of, self._manifest, self._params.model), early)
            seed = self._params.intervals.seed
            self._kept[choice.of] = select(model, late, self._judge, self._manifest.features, seed)
        return self._kept[choice.of]


def _fitted(model: Pipeline, rows: Rows) -> tuple[Pipeline, bool]:
    """Fit a model and say whether it came to an end: without scaling, a linear one may stop before."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        fitted = fit(model, rows)
    return fitted, not any(issubclass(each.category, ConvergenceWarning) for each in caught)


def log_study(project: Path) -> list[str]:
    """Log each choice of reports/study.json as a run of the use case's experiment; twice changes nothing.

    Raises:
        Unavailable: MLflow does not answer.
    """
    report, runs = json.loads((project / REPORT).read_text(encoding="utf-8")), []
    with open_tracking(project) as store:
        for entry in report["choices"]:
            effect, left_out = entry["effect"], entry["left_out"]
            chosen = {name: entry[name] for name in ("model", "scaling", "selection", "extraction")}
            canonical = json.dumps([report["inputs"], entry], sort_keys=True)
            tags = {TAG: hashlib.sha256(canonical.encode()).hexdigest()}
            run = store.find_or_create(f"study of {Processing(**chosen).name}", tags, {})
            runs.append(run.info.run_id)
            if run.info.status == "FINISHED":
                continue
            for name, value in {**chosen, "features_left_out": len(left_out), "metric": report["metric"]}.items():
                store.client.log_param(run.info.run_id, name, value)
            for name in ("delta", "ci_low", "ci_high", "champion_value", "challenger_value"):
                store.client.log_metric(run.info.run_id, f"study/{name}", effect[name])
            store.client.log_dict(run.info.run_id, entry, "study.json")
            store.client.set_terminated(run.info.run_id, "FINISHED")
    return runs


def main(project: Path) -> int:
    """Run the study and print what each choice changes; return 0 when done, 1 when refused."""
    # As the stages have it: threads that wait sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        report = run(project)
    except HandrailError as err:
        sys.stderr.write(f"study: {err}\n")
        return 1
    lines = [f"{report['metric']} on {report['rows']['validate']:,} rows, beside how features are prepared now:"]
    for entry in report["choices"]:
        effect, left_out = entry["effect"], f", {len(entry['left_out'])} left out" if entry["left_out"] else ""
        named = Processing(**{key: entry[key] for key in ("model", "scaling", "selection", "extraction")}).name
        interval = f"{effect['delta']:+.4f} ({effect['ci_low']:+.4f} to {effect['ci_high']:+.4f})"
        lines.append(
            f"  {named + left_out:45} {interval}  {entry['says']}{'' if entry['converged'] else ', not converged'}"
        )
    sys.stdout.write("\n".join([*lines, f"Written to {REPORT.as_posix()}.", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))

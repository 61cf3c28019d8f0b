from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.steps.monitoring.config import (
    check_metric_limits,
    limits_in_words,
    read_monitoring,
)
from handrail.errors import Misconfigured
from handrail.objectives import Objective, read_objectives
from handrail.use_case import Limit, Metrics, read_use_case

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("monitoring.yaml", "objectives.yaml"):
        shutil.copy(CONFIG / name, tmp_path / name)
    return tmp_path


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_files_are_read(config: Path) -> None:
    rules = read_monitoring(config)

    assert rules.drift.score_psi.limit == 0.25
    assert set(limit.objective for limit in rules.limits.values()) <= set(read_objectives(config))


def test_limits_are_said_with_their_side() -> None:
    case = read_use_case(CONFIG.parent)

    assert limits_in_words(case, read_objectives(CONFIG)) == "ROC-AUC at least 0.7"


def test_an_unknown_key_is_refused_by_name(config: Path) -> None:
    rewrite(config / "monitoring.yaml", "score_psi:", "score_pssi:")

    with pytest.raises(Misconfigured, match="score_p"):
        read_monitoring(config)


def test_a_misspelt_extra_key_is_named(config: Path) -> None:
    rewrite(config / "monitoring.yaml", "  bins: 10", "  bins: 10\n  binz: 12")

    with pytest.raises(Misconfigured, match=r"'drift.binz' is unknown. Did you mean 'bins'"):
        read_monitoring(config)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("false_alarms: 1,", "false_alarms: 12,", "allows 12 in 12, expected fewer than one a month"),
        ("false_alarms: 1,", "false_alarms: 0,", "false_alarms"),
        ("months: 12}", "months: 0}", "months"),
        ("  loss: ", "  losses: ", "loss"),
        ("objective: harmless-drift", "objective: harmles", "harmles"),
        ("unit_days: 7", "unit_days: 0", "unit_days"),
        ("look_back: 3", "look_back: 13", "look_back"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(config: Path, old: str, new: str, reason: str) -> None:
    rewrite(config / "monitoring.yaml", old, new)

    with pytest.raises(Misconfigured, match=reason):
        read_monitoring(config)


def test_a_budget_without_a_loss_is_refused(config: Path) -> None:
    lines = (config / "monitoring.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("  loss:")]
    (config / "monitoring.yaml").write_text("\n".join(kept), encoding="utf-8")

    with pytest.raises(Misconfigured, match="needs budget and loss together, or neither"):
        read_monitoring(config)


def test_a_file_of_before_has_no_budget(config: Path) -> None:
    new = ("budget:", "loss:", "unit_days:", "look_back:")
    lines = (config / "monitoring.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.strip().startswith(new)]
    (config / "monitoring.yaml").write_text("\n".join(kept), encoding="utf-8")

    assert read_monitoring(config).drift.budget is None


def test_a_cited_objective_has_to_exist(config: Path) -> None:
    rewrite(config / "monitoring.yaml", "objective: known-outcomes", "objective: known-outcome")

    with pytest.raises(Misconfigured, match="known-outcome"):
        read_monitoring(config)


def test_a_limit_that_is_not_a_number_is_refused(config: Path) -> None:
    rewrite(config / "monitoring.yaml", "limit: 0.25", "limit: .nan")

    with pytest.raises(Misconfigured, match=r"drift.score_psi.limit"):
        read_monitoring(config)


def test_an_owner_outside_the_seven_roles_is_refused(config: Path) -> None:
    rewrite(config / "objectives.yaml", "owner: business-stakeholder", "owner: boss")

    with pytest.raises(Misconfigured, match=r"objectives.ranking.owner"):
        read_objectives(config)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="monitoring.yaml"):
        read_monitoring(tmp_path)


def test_text_that_is_not_yaml_is_refused(config: Path) -> None:
    (config / "monitoring.yaml").write_text("a: [", encoding="utf-8")

    with pytest.raises(Misconfigured, match="not YAML"):
        read_monitoring(config)


def limited(objective: str) -> Metrics:
    return Metrics(main="roc_auc", margin=0.0, limits={"log_loss": Limit(limit=0.5, objective=objective)})


@pytest.mark.parametrize(("objective", "reason"), [("rankign", "does not name"), ("ranking", "log_loss needs at-most")])
def test_a_metrics_limit_cites_an_objective_that_wants_its_better_side(objective: str, reason: str) -> None:
    case = read_use_case(CONFIG.parent).model_copy(update={"metrics": limited(objective)})

    with pytest.raises(Misconfigured, match=reason):
        check_metric_limits(case, read_objectives(CONFIG))


def test_the_shipped_limits_are_in_order() -> None:
    check_metric_limits(read_use_case(CONFIG.parent), read_objectives(CONFIG))


@pytest.mark.parametrize(
    ("old", "name", "taken", "refused"),
    [
        ("  bins: 10", "  bins", (2, 100), (1, 101)),
        ("  sample_rows: 50000", "  sample_rows", (100, 100_000), (99, 100_001)),
        ("  seed: 0", "  seed", (0,), (-1,)),
        ("  project: flights", "  project", ('"f"',), ('""',)),
        ("threshold: 0.1", "threshold", (1e-9,), (0, -0.1)),
    ],
)
def test_a_value_at_the_end_of_what_is_allowed_is_taken_and_the_next_is_refused(
    config: Path, old: str, name: str, taken: tuple[object, ...], refused: tuple[object, ...]
) -> None:
    file = config / "monitoring.yaml"
    shipped = file.read_text(encoding="utf-8")
    for value in taken:
        file.write_text(shipped.replace(old, f"{name}: {value}", 1), encoding="utf-8")
        read_monitoring(config)
    for value in refused:
        file.write_text(shipped.replace(old, f"{name}: {value}", 1), encoding="utf-8")
        with pytest.raises(Misconfigured, match=name.strip()):
            read_monitoring(config)


@pytest.mark.parametrize(("kind", "below", "on", "above"), [("at-least", 0, 1, 1), ("at-most", 1, 1, 0)])
def test_the_limit_itself_is_on_the_good_side(kind: str, below: int, on: int, above: int) -> None:
    objective = Objective(statement="x", kpi="x", kind=kind, target=0.8, owner="ml-engineer")  # type: ignore[arg-type]

    assert [objective.holds(value, 0.7) for value in (0.6, 0.7, 0.8)] == [bool(each) for each in (below, on, above)]


@pytest.mark.parametrize("field", ["statement", "kpi"])
def test_an_objective_says_what_it_is_in_at_least_a_letter(field: str) -> None:
    words = {"statement": "x", "kpi": "x", "kind": "at-most", "target": 1, "owner": "ml-engineer"}

    Objective.model_validate(words)
    with pytest.raises(ValueError, match=field):
        Objective.model_validate(words | {field: ""})

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import polars as pl
import pytest
import yaml

from flows.steps.data.labels import read_labels
from flows.steps.project.dvc_files import change_params
from flows.steps.project.params import read_params
from flows.steps.project.workspace import git, open_challenger_clone
from flows.steps.release.desk import Desk
from flows.steps.retraining.challenge import _reason, check_retrain, compare_with_champion, prepare_retrain
from handrail.bootstrap import Platform, open_platform
from handrail.errors import InvalidInput, Refused, Unavailable
from handrail.feedback import Feedback, Prediction
from handrail.settings import Settings
from handrail.use_case import read_use_case
from tests.fakes.desk import AliasDesk
from tests.fakes.monitoring_records import RECORD, write
from tests.fakes.permitted_tree import write_tree

ROOT = Path(__file__).parents[3]
DEPLOYMENT = "deploy://local/flights/v1"
ASKED = datetime(2013, 9, 10, 12, tzinfo=UTC)
MONTH = "2013-09"
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a project that is a git repository with DVC, as the demo's clone is."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.copytree(ROOT / "config", project / "config")
    shutil.copytree(ROOT / ".dvc", project / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    for name in ("params.yaml", "dvc.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, project / name)
    git(project, "init", "--quiet")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Start")
    return Settings(project=project, home=tmp_path / "home", replay=True)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    with open_platform(settings) as opened:
        opened.event_clock.set(datetime(2013, 10, 3, tzinfo=UTC))
        yield opened


def flight(number: int) -> str:
    return f"2013-09-10:AA:{number}:1000:JFK"


def predict_and_report(platform: Platform, outcomes: dict[str, float | None]) -> None:
    platform.feedback.record_predictions(
        [Prediction(f"p-{name}", DEPLOYMENT, name, ASKED, 0.3, 0) for name in outcomes]
    )
    landed = ASKED + timedelta(hours=5)
    platform.feedback.record_feedback(
        [
            Feedback(f"p-{name}", "ground_truth", late, "airport-feed", 0, landed, landed)
            for name, late in outcomes.items()
            if late is not None
        ]
    )


def test_the_clone_trains_up_to_the_month_and_validates_on_it(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0, flight(2): 0.0, flight(3): None})

    challenge = prepare_retrain(platform, MONTH)

    params = read_params(challenge.folder)
    assert (params.train.start, params.train.end) == (date(2013, 1, 1), date(2013, 9, 1))
    assert (params.validate_window.start, params.validate_window.end) == (date(2013, 9, 1), date(2013, 10, 1))
    assert params.as_of == challenge.as_of == datetime(2013, 10, 2, 16, tzinfo=UTC)
    assert params.labels_snapshot is not None
    assert params.labels_snapshot.path == challenge.labels
    assert pl.read_parquet(challenge.folder / challenge.labels).height == 2


def test_labels_and_parameters_are_committed_in_the_clone_alone(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0})
    before = git(settings.project, "rev-parse", "HEAD"), git(settings.project, "status", "--porcelain")

    challenge = prepare_retrain(platform, MONTH)

    assert challenge.folder == settings.home / "retrain" / "project"
    assert git(challenge.folder, "status", "--porcelain") == ""
    assert set(git(challenge.folder, "show", "--name-only", "--format=").split()) == {
        "params.yaml",
        f"{challenge.labels}.dvc",
    }
    assert (git(settings.project, "rev-parse", "HEAD"), git(settings.project, "status", "--porcelain")) == before


def test_preparing_twice_makes_one_commit(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0})

    first = prepare_retrain(platform, MONTH)
    head = git(first.folder, "rev-parse", "HEAD")

    assert prepare_retrain(platform, MONTH) == first
    assert git(first.folder, "rev-parse", "HEAD") == head


def test_other_parameters_and_comments_stay(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0})
    before = yaml.safe_load((settings.project / "params.yaml").read_text(encoding="utf-8"))

    folder = prepare_retrain(platform, MONTH, feature_set="schedule").folder

    text = (folder / "params.yaml").read_text(encoding="utf-8")
    after = yaml.safe_load(text)
    assert folder.name == "schedule"
    assert after["feature_set"] == "schedule"
    assert {name: after[name] for name in ("model", "sample", "go_live")} == {
        name: before[name] for name in ("model", "sample", "go_live")
    }
    assert "# Half-open windows" in text


def timed(flights: dict[str, tuple[datetime, int]]) -> pl.DataFrame:
    """Return raw flights as labels are read from: when each landed and by how many minutes late."""
    return pl.DataFrame(
        {
            "flight_id": list(flights),
            "arr_known_ts": [landed for landed, _ in flights.values()],
            "arr_delay": [minutes for _, minutes in flights.values()],
        }
    )


def test_labels_after_go_live_come_only_from_the_snapshot(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0, flight(2): 0.0, flight(3): None})
    challenge = prepare_retrain(platform, MONTH)
    params = read_params(challenge.folder)
    landed, before = ASKED + timedelta(hours=5), datetime(2013, 7, 1, tzinfo=UTC)
    # The raw table says the opposite of each report, and a late landing that nobody reported.
    raw = timed({flight(1): (landed, 0), flight(2): (landed, 99), flight(3): (landed, 99), "july": (before, 99)})

    use_case = read_use_case(challenge.folder)
    labels = read_labels(raw, params.go_live, challenge.folder, params.labels_snapshot, use_case)

    told = {row["flight_id"]: (row["late"], row["source"]) for row in labels.rows.iter_rows(named=True)}
    assert told == {flight(1): (1, "snapshot"), flight(2): (0, "snapshot"), "july": (1, "raw")}


def test_what_feedback_learned_later_is_not_in_the_labels(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0})
    later = datetime(2013, 10, 2, 20, tzinfo=UTC)
    platform.feedback.record_feedback(
        [Feedback(f"p-{flight(1)}", "ground_truth", 0.0, "airport-feed", 1, later, later)]
    )

    challenge = prepare_retrain(platform, MONTH)

    assert pl.read_parquet(challenge.folder / challenge.labels)["late"].to_list() == [1]


def test_challenger_and_champion_are_compared_on_the_same_mature_flights(
    settings: Settings, platform: Platform
) -> None:
    outcomes: dict[str, float | None] = {flight(number): float(number % 3 == 0) for number in range(1, 301)}
    predict_and_report(platform, outcomes | {flight(301): None})
    challenge = prepare_retrain(platform, MONTH)
    write_tree(challenge.folder / "models" / "package")
    rows = pl.DataFrame(
        {
            "flight_id": [*outcomes, "2013-09-11:AA:1:1000:JFK"],
            "day": [date(2013, 9, 1 + number % 20) for number in range(301)],
            "late": [*(int(late or 0) for late in outcomes.values()), 1],
            "carrier": ["AA"] * 301,
            "minute_of_day": [600.0] * 301,
            "temp": [70.0] * 301,
            # The challenger ranks perfectly, the champion answered 0.3 throughout.
            "distance_miles": [*(1000.0 * (late or 0) for late in outcomes.values()), 0.0],
        }
    )
    (challenge.folder / "data" / "training").mkdir()
    rows.write_parquet(challenge.folder / "data" / "training" / "validate.parquet")

    evidence = compare_with_champion(platform, challenge)

    assert (evidence["champion_value"], evidence["challenger_value"], evidence["n"]) == (0.5, 1.0, 300)
    assert evidence["not_worse"] is True
    assert (evidence["champion"], evidence["flights_left_out"]) == (DEPLOYMENT, 1)
    assert read_evidence_of(challenge.folder) == evidence
    assert git(challenge.folder, "status", "--porcelain", "--untracked-files=no") == ""


def read_evidence_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "reports" / "comparison.json").read_text(encoding="utf-8"))
    return found


def test_a_month_that_is_not_mature_is_refused(settings: Settings, platform: Platform) -> None:
    platform.event_clock.set(datetime(2013, 10, 1, tzinfo=UTC))

    with pytest.raises(Refused, match="mature at 2013-10-02 16:00Z"):
        prepare_retrain(platform, MONTH)


def test_a_month_before_go_live_is_refused(settings: Settings, platform: Platform) -> None:
    platform.event_clock.set(datetime(2013, 10, 1, tzinfo=UTC))

    with pytest.raises(Refused, match="go-live was 2013-08-01"):
        prepare_retrain(platform, "2013-07")


def served(platform: Platform, digest: str) -> None:
    platform.feedback.register_deployment(DEPLOYMENT, digest, "models://flights/1", started_at=ASKED)


def test_a_month_that_another_model_answered_is_refused_before_anything_is_trained(
    settings: Settings, platform: Platform
) -> None:
    predict_and_report(platform, {flight(1): 1.0})
    served(platform, OLD)

    with pytest.raises(Refused) as refused:
        check_retrain(cast(Desk, AliasDesk(platform, NEW)), MONTH)

    assert str(refused.value) == (
        f"Retraining on 2013-09 is refused. {DEPLOYMENT} answered most of that month, and {NEW} is the champion by "
        "now. Retrain on a month that the champion answered."
    )
    assert not (settings.home / "retrain").exists()


@pytest.mark.parametrize("champion", [OLD, None])
def test_a_month_that_the_champion_answered_may_be_retrained_on(platform: Platform, champion: str | None) -> None:
    predict_and_report(platform, {flight(1): 1.0})
    served(platform, OLD)

    check_retrain(cast(Desk, AliasDesk(platform, champion)), MONTH)


def test_a_month_that_is_not_mature_is_refused_before_anything_is_trained(platform: Platform) -> None:
    platform.event_clock.set(datetime(2013, 10, 1, tzinfo=UTC))

    with pytest.raises(Refused, match="mature at 2013-10-02 16:00Z"):
        check_retrain(cast(Desk, AliasDesk(platform, None)), MONTH)


def test_a_feature_set_that_the_description_lacks_is_named(platform: Platform) -> None:
    with pytest.raises(InvalidInput, match=r"named 'tickets'\. Write one of all, schedule"):
        prepare_retrain(platform, MONTH, feature_set="tickets")


def test_the_clone_shares_the_projects_cache(settings: Settings) -> None:
    folder = open_challenger_clone(settings)

    text = (folder / ".dvc" / "config.local").read_text(encoding="utf-8")
    assert f"dir = {settings.project / '.dvc' / 'cache'}" in text


def test_a_new_commit_of_the_project_reaches_an_earlier_clone(settings: Settings) -> None:
    first = open_challenger_clone(settings)
    (settings.project / "params.yaml").write_text("as_of: now\n", encoding="utf-8")
    git(settings.project, "commit", "--quiet", "--all", "--message", "Change")

    again = open_challenger_clone(settings)

    assert again == first
    assert (again / "params.yaml").read_text(encoding="utf-8") == "as_of: now\n"


def test_a_project_outside_git_is_named(tmp_path: Path) -> None:
    settings = Settings(project=tmp_path, home=tmp_path / "home")

    with pytest.raises(Unavailable, match="git rev-parse"):
        open_challenger_clone(settings)


def test_a_key_that_params_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("as_of: now\n", encoding="utf-8")

    with pytest.raises(Unavailable, match="feature_set"):
        change_params(tmp_path, {"feature_set": "all"})


def test_the_reason_says_what_monitoring_alerted_on_in_that_month(settings: Settings, platform: Platform) -> None:
    predict_and_report(platform, {flight(1): 1.0})
    challenge = prepare_retrain(platform, MONTH)
    assert _reason(settings, challenge) == "Trained on labels known by 2013-10-02; judged on 2013-09."

    for model in (settings.model_name, "another"):
        write(settings.home, RECORD | {"model": model}, f"{MONTH}-{model}")

    assert _reason(settings, challenge).startswith("Monitoring alerted on 2013-09: drift. Trained on labels")

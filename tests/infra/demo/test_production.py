"""What the demo shows of months, of raw files and of a retraining follows the description."""

from pathlib import Path

import pytest

from handrail.errors import Misconfigured
from handrail.settings import Settings
from handrail.use_case import Label, Metrics, read_use_case
from infra.demo.production import first_alert, line_of, span_of
from infra.demo.scene import Scene
from infra.demo.training import subject_files

ROOT = Path(__file__).parents[3]
CASE = read_use_case(ROOT)
ALERT = {"kind": "drift", "state": "alert", "month": "2013-09"}


def a_record(**performance):
    return {"performance": performance, "drift": {"score_psi": 0.452}, "findings": [ALERT]}


def a_scene(case=CASE):
    scene = Scene(ROOT, Settings(project=ROOT, home=ROOT / ".handrail"), servers=None)
    scene.__dict__["case"] = case
    return scene


def test_a_month_is_shown_in_the_words_of_the_flights():
    shown = line_of(a_record(roc_auc=0.7431, base_rate=0.132, coverage=0.974), CASE)

    assert shown == "ROC-AUC 0.743, late 0.132, coverage 0.974, score PSI 0.45, drift alert"


def test_a_month_of_numbers_is_shown_by_their_error():
    case = CASE.model_copy(
        update={"label": Label(column="bikes", kind="count"), "metrics": Metrics(main="rmse", margin=0.1)}
    )

    shown = line_of(a_record(rmse=12.5, mean_label=None, coverage=1.0) | {"findings": []}, case)

    assert shown == "root mean squared error 12.500, mean bikes unknown, coverage 1.000, score PSI 0.45, ok"


def test_the_months_are_the_whole_ones_after_go_live():
    months = a_scene().months

    assert months == ("2013-08", "2013-09", "2013-10", "2013-11", "2013-12")
    assert span_of(months) == "August to December"
    assert span_of(months[:1]) == "August"


def test_recorded_data_that_ends_in_its_first_month_is_named():
    until = CASE.replay.model_copy(update={"until": CASE.replay.until.replace(year=2013, month=8, day=9)})

    with pytest.raises(Misconfigured, match="the end of 2013-08"):
        _ = a_scene(CASE.model_copy(update={"replay": until})).months


def test_without_an_alert_there_is_no_finding():
    health = {"kind": "health", "state": "alert", "month": "2013-08"}

    assert first_alert([{"findings": [health]}]) is None
    assert first_alert([{"findings": [health]}, a_record()]) == ALERT


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (
            ["weather/2013-01.csv", "flights/2013-02.csv", "flights/2013-01.csv"],
            ["flights/2013-01.csv", "flights/2013-02.csv"],
        ),
        (["flights.csv", "planes.csv"], ["flights.csv"]),
        (["table.parquet"], ["table.parquet"]),
    ],
)
def test_raw_files_of_what_is_predicted_about_come_first(files, chosen):
    assert subject_files(dict.fromkeys(files), "flights") == chosen

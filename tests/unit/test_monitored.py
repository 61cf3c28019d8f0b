"""What monitoring alerted on is read from its records; a file that is none is left out."""

import pytest

from handrail.monitored import FORMAT, MonitoringAlert, read_alerts
from tests.fakes.monitoring_records import DRIFT, HEALTH, RECORD, write


def test_only_alerts_are_returned_with_what_is_beyond_its_limit(tmp_path):
    write(tmp_path, RECORD)

    assert read_alerts(tmp_path) == (
        MonitoringAlert(
            model="churn",
            period="2013-09",
            kind="drift",
            as_of="2013-10-02T16:00:00+00:00",
            deployment="deploy://local/churn/1",
            sentences=("score PSI is 0.452, beyond the limit 0.25.",),
            reports=("evidently://churn/report/r-1",),
        ),
    )
    assert read_alerts(tmp_path)[0].to_json()["sentences"] == ["score PSI is 0.452, beyond the limit 0.25."]


def test_the_latest_period_comes_first(tmp_path):
    for period in ("2013-09", "2013-11", "2013-10"):
        write(tmp_path, RECORD | {"month": period}, period)

    assert [each.period for each in read_alerts(tmp_path)] == ["2013-11", "2013-10", "2013-09"]


def test_advice_is_apart_from_what_is_beyond_its_limit_and_not_about_health(tmp_path):
    late = HEALTH | {"state": "alert", "checks": [{"holds": False}]}
    write(tmp_path, RECORD | {"findings": [DRIFT, late], "advice": ["Buy labels."]})

    drift, health = read_alerts(tmp_path)

    assert (drift.sentences, drift.advice) == (("score PSI is 0.452, beyond the limit 0.25.",), ("Buy labels.",))
    assert (health.sentences, health.advice) == (("all is well.",), ())
    assert drift.to_json()["advice"] == ["Buy labels."]


@pytest.mark.parametrize(
    "record",
    [
        "{",
        "[" * 100_000,
        "[]",
        "null",
        RECORD | {"format": "handrail.month/2"},
        {"format": FORMAT},
        RECORD | {"findings": [{"state": "alert"}]},
        RECORD | {"findings": 7},
        RECORD | {"reports": [None]},
    ],
    ids=["cut", "deep", "list", "nothing", "later", "empty", "bare", "number", "report"],
)
def test_a_file_that_is_no_record_hides_none_of_the_others(tmp_path, record):
    write(tmp_path, record)
    write(tmp_path, RECORD, "2013-08")

    assert [each.kind for each in read_alerts(tmp_path)] == ["drift"]


def test_before_the_first_month_there_is_none(tmp_path):
    assert read_alerts(tmp_path) == ()

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.steps.monitoring.events import announce, announce_once, page_of, resource_of, table_of
from flows.steps.monitoring.monitor import judge_month
from flows.steps.monitoring.month import read_month
from handrail.bootstrap import Platform
from handrail.settings import Settings
from tests.fakes.monitored import FIRST, ZONE, Seen, forecast, judge_of


def test_the_page_of_an_earlier_versions_record_still_shows_its_figures(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))
    del record["figures"], record["features_from"]

    assert "| roc auc | 0." in page_of(record)


def test_an_event_carries_what_an_automation_matches_on(settings: Settings, platform: Platform) -> None:
    forecast(platform, shape=16)
    record = judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))

    assert resource_of(record["findings"][0]) == {
        "prefect.resource.id": "handrail.model.flights",
        "prefect.resource.name": "flights",
        "handrail.finding.kind": "drift",
        "handrail.finding.state": "alert",
        "handrail.finding.month": "2013-09",
    }
    assert [row["figure"] for row in table_of(record)][:3] == ["score PSI", "ROC-AUC", "coverage"]
    assert f"| predictions | {record['performance']['predictions']:,} |" in page_of(record)
    assert "| coverage | 1.0000 |" in page_of(record)
    assert "| forecasts |" not in page_of(record)
    assert "As of 2013-10-02T16:00" in page_of(record)


def test_the_page_counts_failed_attempts_only_if_a_client_did(settings: Settings, platform: Platform) -> None:
    forecast(platform)
    month = read_month("2013-09", ZONE)

    silent = judge_month(judge_of(settings, platform), month)
    counted = judge_month(judge_of(settings, platform, [Seen(FIRST, 0, 20.0)]), month)

    assert "failed attempts" not in page_of(silent)
    assert "| failed attempts | 0 |" in page_of(counted)


def test_without_a_server_nothing_is_announced(
    settings: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    forecast(platform)

    assert announce(judge_month(judge_of(settings, platform), read_month("2013-09", ZONE))) == 0


def test_a_judgement_is_announced_once_and_a_new_one_again(tmp_path: Path) -> None:
    told: list[str] = []
    record = {"month": "2013-09", "snapshot": "sha256:a", "deployment": "deploy://local/flights/v1"}

    def tell(each: dict[str, Any]) -> int:
        told.append(each["snapshot"])
        return 3

    counts = [announce_once(tmp_path, one, tell) for one in (record, record, record | {"snapshot": "sha256:b"})]

    assert counts == [3, 0, 3]
    assert told == ["sha256:a", "sha256:b"]


def test_what_no_server_took_is_announced_later(tmp_path: Path) -> None:
    record = {"month": "2013-09", "snapshot": "sha256:a", "deployment": "deploy://local/flights/v1"}

    assert announce_once(tmp_path, record, lambda _: 0) == 0
    assert announce_once(tmp_path, record, lambda _: 3) == 3

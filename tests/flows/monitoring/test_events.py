from __future__ import annotations

import json
from dataclasses import replace
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


def _record(*, limit: float = 0.7, value: float = 0.72, kind: str = "performance", **changes: Any) -> dict[str, Any]:
    holds = value >= limit
    check = {
        "figure": "ROC-AUC", "value": value, "limit": limit, "holds": holds,
        "objective": "quality", "target": 0.8, "owner": "ml-engineer",
    }  # fmt: skip
    finding = {"kind": kind, "state": "ok" if holds else "alert", "checks": [check]}
    return {
        "month": "2013-09", "snapshot": "sha256:a", "deployment": "deploy://local/flights/v1", "findings": [finding],
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    "another",
    [
        _record(snapshot="sha256:b"),
        _record(deployment="deploy://local/flights/v2"),
        _record(limit=0.75),
        _record(limit=0.71),
        _record(value=0.69),
        _record(kind="drift"),
    ],
    ids=["snapshot", "deployment", "limit that alerts", "limit that does not", "value", "kind"],
)
def test_a_judgement_is_announced_once_and_another_one_again(tmp_path: Path, another: dict[str, Any]) -> None:
    sent: list[dict[str, Any]] = []
    said: list[str] = []

    def send(each: dict[str, Any]) -> int:
        sent.append(each)
        return 3

    counts = [announce_once(tmp_path, one, send, said.append) for one in (_record(), _record(), another, another)]

    assert counts == [3, 0, 3, 0]
    assert sent == [_record(), another]
    assert said[0] == (
        "2013-09 was announced before with the same findings (performance ok), limits and outcomes: no event is sent "
        "again."
    )


def test_another_latency_is_no_other_judgement_and_a_missed_limit_is(tmp_path: Path) -> None:
    quick, quicker, slow = (_record(kind="health", value=value) for value in (0.9, 0.95, 0.5))

    assert [announce_once(tmp_path, one, lambda _: 1) for one in (quick, quicker, slow)] == [1, 0, 1]


def test_the_mark_of_an_earlier_version_does_not_hide_a_judgement(tmp_path: Path) -> None:
    mark = tmp_path / "monitoring" / "announced" / "2013-09.json"
    mark.parent.mkdir(parents=True)
    mark.write_text(json.dumps({name: _record()[name] for name in ("snapshot", "deployment")}), encoding="utf-8")

    assert announce_once(tmp_path, _record(), lambda _: 3) == 3


def test_a_lowered_limit_announces_the_alert_of_a_month_that_was_in_order(
    settings: Settings, platform: Platform, tmp_path: Path
) -> None:
    forecast(platform)
    judge = judge_of(settings, platform)
    states: list[list[str]] = []

    def send(record: dict[str, Any]) -> int:
        states.append([finding["state"] for finding in record["findings"]])
        return len(states[-1])

    main = judge.case.metrics.main
    limits = {main: judge.case.metrics.limits[main].model_copy(update={"limit": 0.9999})}
    metrics = judge.case.metrics.model_copy(update={"limits": limits})
    stricter = replace(judge, case=judge.case.model_copy(update={"metrics": metrics}))
    for one in (judge, judge, stricter, stricter):
        announce_once(tmp_path, judge_month(one, read_month("2013-09", ZONE)), send)

    assert states == [["ok"] * 3, ["ok", "alert", "ok"]], "of drift, performance and costs; nobody measured the batches"


def test_what_no_server_took_is_announced_later(tmp_path: Path) -> None:
    assert announce_once(tmp_path, _record(), lambda _: 0) == 0
    assert announce_once(tmp_path, _record(), lambda _: 3) == 3

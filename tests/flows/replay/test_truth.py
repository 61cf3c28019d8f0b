from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flows.steps.replay.truth import Fate, Outcome, fate_of, reports_of, stream

LANDED = datetime(2013, 9, 3, 20, 15, tzinfo=UTC)
ASKED = LANDED - timedelta(hours=6)


def flight_with(fate: Fate) -> str:
    return next(name for name in (f"2013-09-03:AA:{n}:1000:JFK" for n in range(10_000)) if fate_of(name) is fate)


def settled(landing: Outcome) -> float | None:
    reports = list(reports_of(landing))
    return max(reports, key=lambda report: report.revision).value if reports else None


def test_a_flight_that_never_landed_is_never_reported() -> None:
    assert list(reports_of(Outcome(flight_with(Fate.AT_ONCE), ASKED, None, None, None))) == []


def test_some_reports_never_come() -> None:
    assert list(reports_of(Outcome(flight_with(Fate.NEVER), ASKED, LANDED, 1.0, 0.0))) == []


def test_a_punctual_report_comes_with_the_landing() -> None:
    (report,) = reports_of(Outcome(flight_with(Fate.AT_ONCE), ASKED, LANDED, 1.0, 0.0))

    assert (report.value, report.revision, report.occurred_at, report.received_at) == (1.0, 0, LANDED, LANDED)


def test_a_late_report_speaks_of_the_landing_but_comes_hours_later() -> None:
    (report,) = reports_of(Outcome(flight_with(Fate.DELAYED), ASKED, LANDED, 0.0, 1.0))

    assert report.occurred_at == LANDED
    assert timedelta(hours=6) <= report.received_at - LANDED <= timedelta(hours=60)


def test_a_second_copy_differs_only_in_when_it_comes() -> None:
    first, again = reports_of(Outcome(flight_with(Fate.TWICE), ASKED, LANDED, 1.0, 0.0))

    assert (first.value, first.revision, first.occurred_at) == (again.value, again.revision, again.occurred_at)
    assert again.received_at > first.received_at


def test_a_correction_takes_back_a_wrong_first_report() -> None:
    first, second = reports_of(Outcome(flight_with(Fate.CORRECTED), ASKED, LANDED, 1.0, 0.0))

    assert (first.value, first.revision) == (0.0, 0)
    assert (second.value, second.revision) == (1.0, 1)
    assert second.received_at > first.received_at


@given(st.lists(st.tuples(st.integers(1, 9999), st.booleans()), unique_by=lambda pair: pair[0], max_size=50))
def test_the_stream_is_ordered_and_the_same_at_every_run(flights: list[tuple[int, bool]]) -> None:
    landings = [
        Outcome(f"2013-09-03:AA:{number}:1000:JFK", ASKED, LANDED, float(late), float(not late))
        for number, late in flights
    ]

    reports = stream(landings)

    assert reports == stream(reversed(landings))
    assert [r.received_at for r in reports] == sorted(r.received_at for r in reports)
    assert all(settled(landing) in (landing.value, None) for landing in landings)


def test_every_fate_takes_its_share() -> None:
    fates = [fate_of(f"2013-09-03:AA:{number}:1000:JFK") for number in range(20_000)]

    assert 0.004 < fates.count(Fate.NEVER) / 20_000 < 0.006
    assert 0.036 < fates.count(Fate.DELAYED) / 20_000 < 0.044
    assert 0.026 < fates.count(Fate.TWICE) / 20_000 < 0.034
    assert 0.016 < fates.count(Fate.CORRECTED) / 20_000 < 0.024

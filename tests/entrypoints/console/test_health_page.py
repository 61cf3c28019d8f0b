"""Health: what a person sees of services, and that nobody sees slots of models that are not theirs to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_health
from handrail.delivery import HealthSample, Load
from handrail.delivery.domain.health import BOUNDS_S, REQUESTS, Fault, bucket_of
from handrail.entrypoints.console.addresses import Address
from handrail.entrypoints.console.health_page import health_page
from handrail.entrypoints.console.pages import Frame, Page, render
from handrail.entrypoints.console.series import BOTTOM, TOP, axis, columns, line
from handrail.errors import InvalidInput, UnknownReference
from handrail.refs import ModelVersion
from tests.fakes.lineage_server import a_platform

NOW = datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)
FLIGHTS = "deploy://local/flights"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with a_platform(tmp_path) as opened:
        yield opened


def load(count: int, seconds: float, items: int = 0, **faults: int) -> Load:
    latencies = [0] * (len(BOUNDS_S) + 1)
    latencies[bucket_of(seconds)] = count
    return Load(count, items, {Fault(name): number for name, number in faults.items()}, tuple(latencies))


def sample(
    platform: Platform, name: str, minutes_ago: int, load: Load, deployment: str = "", at: str = FLIGHTS
) -> None:
    minute = NOW.replace(second=0) - timedelta(minutes=minutes_ago)
    open_health(platform).keep([HealthSample(at, name, deployment, "host-1", minute, load)])


def deploy(platform: Platform, service: str, version: int) -> str:
    uri = f"deploy://local/{service}/v{version}"
    model = ModelVersion("local-1", service, 7, version).uri
    platform.feedback.register_deployment(uri, f"sha256:{'a' * 64}", model, None, NOW)
    return uri


def shown(platform: Platform, service: str = "", over: str = "", **more: object) -> Page:
    return health_page(platform, service, over, clock=lambda: NOW, **more)  # type: ignore[arg-type]


def html(page: Page) -> str:
    return render(page, Frame(NOW, "Cleo", ("reads only",), "local-1", places=((Address.HEALTH, "Health"),)))


def test_without_samples_the_page_says_where_they_come_from(platform: Platform) -> None:
    page = shown(platform)

    assert page.facts["services"] == []
    assert "every ten seconds" in html(page)


def test_a_service_shows_its_load_its_faults_and_whether_it_was_up(platform: Platform) -> None:
    for minute in (0, 1, 3):
        sample(platform, REQUESTS, minute, load(100, 0.02, failed=3, refused=5, busy=1))

    (service,) = shown(platform).facts["services"]

    assert (service["asked"], service["errors"], service["error_share"]) == (300, 12, 0.04)
    assert service["faults"] == {"failed": 9, "busy": 3, "refused": 15}
    assert 10 < service["p50_ms"] < 25
    assert (service["up"], service["down_minutes"]) == (0.75, 1)


def test_a_version_that_only_answered_in_shadow_says_so(platform: Platform) -> None:
    for uri in (deploy(platform, "flights", 2), deploy(platform, "flights-shadow", 2)):
        sample(platform, "v2", 1, load(10, 0.02, items=10), uri)

    page = shown(platform)

    assert {slot["deployment"]: slot["shadow"] for slot in page.facts["services"][0]["slots"]} == {
        "deploy://local/flights/v2": False,
        "deploy://local/flights-shadow/v2": True,
    }
    assert html(page).count("<small>v2, in shadow</small>") == 1
    assert html(page).count("Latency, v2 v2, in shadow:") == 1


def test_slots_are_shown_by_deployment_with_their_versions(platform: Platform) -> None:
    sample(platform, REQUESTS, 0, load(10, 0.02))
    sample(platform, "two", 0, load(4, 0.2, items=8), deploy(platform, "flights", 2))
    sample(platform, "champion", 0, load(6, 0.02, items=12), deploy(platform, "flights", 1))

    page = shown(platform)

    slots = page.facts["services"][0]["slots"]
    assert [(each["name"], each["items"], each["version"][1:]) for each in slots] == [
        ("champion", 12, ("flights", "1")),
        ("two", 8, ("flights", "2")),
    ]
    assert html(page).count('<svg class="fig') == 4


def test_slots_of_models_that_are_not_theirs_to_read_are_left_out(platform: Platform) -> None:
    sample(platform, REQUESTS, 0, load(10, 0.02))
    sample(platform, "champion", 0, load(6, 0.02), deploy(platform, "flights", 1))
    sample(platform, REQUESTS, 0, load(7, 0.02), at="deploy://local/secret")
    sample(platform, "champion", 0, load(7, 0.02), deploy(platform, "secret", 1), "deploy://local/secret")

    page = shown(platform, reads=lambda version: "/flights/" in version)

    assert [each["service"] for each in page.facts["services"]] == ["flights"]
    assert "secret" not in html(page)
    with pytest.raises(UnknownReference):
        shown(platform, "secret", reads=lambda version: "/flights/" in version)


def test_what_a_service_is_called_stays_text(platform: Platform) -> None:
    sample(platform, REQUESTS, 0, load(1, 0.02), at="deploy://local/%3Cscript%3E")
    sample(platform, "<script>", 0, load(1, 0.02), "deploy://local/x/<script>", "deploy://local/%3Cscript%3E")

    assert "<script>" not in html(shown(platform)).replace("<script src", "")


@pytest.mark.parametrize(("over", "counted"), [("1h", 1), ("24h", 2), ("7d", 3), ("", 2)])
def test_a_span_has_what_was_in_it(platform: Platform, over: str, counted: int) -> None:
    for minutes in (5, 300, 3_000, 12_000):
        sample(platform, REQUESTS, minutes, load(1, 0.02))

    (service,) = shown(platform, over=over).facts["services"]

    assert service["asked"] == counted


def test_another_span_and_an_unknown_service_are_refused_in_one_sentence(platform: Platform) -> None:
    with pytest.raises(InvalidInput, match="Choose one of 1h, 24h, 7d"):
        shown(platform, over="2h")
    with pytest.raises(UnknownReference, match="which there are"):
        shown(platform, "nothing")


def test_a_gap_stays_a_gap_and_a_lone_value_is_seen() -> None:
    scale = axis([1.0, 3.0, None, 4.0])

    path = line(scale, [1.0, 3.0, None, 4.0])

    assert path.count("M") == 2
    assert path.count("L") == 1
    assert path.endswith("h4")


def test_an_axis_is_round_and_holds_every_value() -> None:
    scale = axis([0.3, 7.2, None])

    assert scale.top == 10
    assert [value for _, value in scale.marks] == [0, 5, 10]
    assert (scale.y(0), scale.y(10), scale.y(99)) == (BOTTOM, TOP, TOP)
    assert axis([]).top == 1.0


def test_a_column_is_drawn_for_what_is_there() -> None:
    assert columns(axis([1.0]), [1.0, 0.0, None, 2.0]).count("z") == 2

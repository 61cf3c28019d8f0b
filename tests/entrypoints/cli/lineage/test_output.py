"""What the trees of lineage say to eyes, over fakes."""

import re
from datetime import UTC, datetime

import pytest
from rich.console import Console

from handrail.entrypoints.answers.as_json import details_to_json, period_to_json
from handrail.entrypoints.cli.lineage.output import draw_details, draw_impact, draw_trace, fit
from handrail.lineage.domain.facts import ActivityDetails
from handrail.lineage.domain.names import artifact_at
from tests.fakes.lineage import open_in_memory

ORDERS = artifact_at("s3://lake/orders")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
VALIDATION = artifact_at("gx://shop/validation/v9")


@pytest.fixture
def lineage():
    opened = open_in_memory()
    opened.derive(VALIDATION, ORDERS)
    for number in range(11):
        opened.derive(artifact_at(f"feast://shop/feature_view/v{number}@1"), ORDERS)
    return opened


def drawn(tree, width=400):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(tree)
    return captured.get()


def test_an_impact_names_whatever_there_is_little_of_and_counts_the_rest(lineage):
    out = drawn(draw_impact(lineage.impact(ORDERS.uri)))

    assert re.search(r"validations \(1\)\n.*gx://shop/validation/v9\n", out)
    assert re.search(r"besides, list them with --nodes\n.* 11 feature views\n", out)
    assert "0 predictions" not in out
    assert "12 artifacts and activities depend on it" in out


def test_the_name_that_was_followed_is_said(lineage):
    lineage.point("mlflow alias flights@champion", VALIDATION, NOON, by="actor://s/ann")
    sentence = "was read as the name 'mlflow alias flights@champion', which points here now"

    assert f"'champion' {sentence}" in drawn(draw_details(lineage.show("champion")))
    assert f"'models:/flights@champion' {sentence}" in drawn(draw_details(lineage.show("models:/flights@champion")))
    assert "was read as" not in drawn(draw_details(lineage.show(VALIDATION.uri)))
    assert details_to_json(lineage.show("champion"))["followed"] == ["mlflow alias flights@champion"]


def test_moments_in_json_are_iso_8601(lineage):
    lineage.point("slot", VALIDATION, NOON, by="actor://s/ann")
    lineage.record_activity("s3-run://1", "s3-run", details=ActivityDetails(started=NOON, ended=NOON))

    (period,) = map(period_to_json, lineage.timeline("slot"))
    assert (period["since"], period["until"]) == ("2026-11-23T12:00:00+00:00", None)
    shown = details_to_json(lineage.show("s3-run://1"))
    assert shown["started"] == shown["ended"] == "2026-11-23T12:00:00+00:00"


def test_lines_fit_a_terminal_by_the_middle_of_their_names(lineage):
    long = artifact_at("s3://lake/" + "/".join(f"part-{number}" for number in range(30)) + "/end.csv")
    lineage.derive(artifact_at("s3://lake/all"), long)
    tree = draw_trace(lineage.trace("s3://lake/all"))

    lines = drawn(fit(tree, 80), 80).splitlines()

    assert max(map(len, lines)) <= 80
    assert [line for line in lines if "s3://lake/part-0" in line and "…" in line and "/end.csv  asserted (" in line]
    assert long.uri in drawn(tree), "whole where it is piped"


def test_what_nothing_came_of_and_what_nothing_led_to_say_so(lineage):
    assert "Nothing depends on it." in drawn(draw_impact(lineage.impact(VALIDATION.uri)))
    assert "No hop leads from it" in drawn(draw_trace(lineage.trace(ORDERS.uri)))
    assert "0 of 1 hop proven (digests agree on both sides), others asserted" in drawn(
        draw_trace(lineage.trace(VALIDATION.uri))
    )

"""What the trees of lineage say to eyes, over fakes."""

import re
from datetime import UTC, datetime

import pytest
from rich.console import Console

from handrail.entrypoints.answers.as_json import details_to_json, period_to_json
from handrail.entrypoints.cli.lineage.output import draw_details, draw_impact, draw_trace, fit
from handrail.lineage.domain.answers import Impact, NodeDetails
from handrail.lineage.domain.facts import ActivityDetails, ColumnFact
from handrail.lineage.domain.graph import Node
from handrail.lineage.domain.names import artifact_at
from handrail.lineage.domain.vocabulary import Role
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


def test_a_run_that_failed_says_so_and_why_and_what_was_left_out_of_it(lineage):
    attributes = {"state": "FAIL", "error": "disk full\nat line 3\x1b[31m", "left_out": "used s3://lake/clean"}
    clean = artifact_at("s3://lake/clean")
    lineage.record_activity("s3-run://1", "s3-run", generated=[clean], details=ActivityDetails(attributes=attributes))

    out = drawn(draw_trace(lineage.trace(clean.uri)))

    assert "FAIL: disk full  left out, because it closes a circle: used s3://lake/clean" in out
    assert "at line 3" not in out
    assert "state: FAIL" in drawn(draw_details(lineage.show("s3-run://1")))


def test_other_names_and_columns_are_shown():
    column = ColumnFact("s3://lake/b", "total", "s3://lake/a", "amount\x1b", "DIRECT:IDENTITY", "actor://a/b")
    whole = ColumnFact("s3://lake/c", "", "s3://lake/b", "day")
    node = Node("s3://lake/b", Role.ARTIFACT, "s3")

    out = drawn(draw_details(NodeDetails(node, (), (), alternates=("hive://meta/db.b",), columns=(column, whole))))

    assert re.search(r"other names of it\n.*hive://meta/db.b\n", out)
    assert re.search(r"what its columns came from \(1\)\n.*s3://lake/b total from s3://lake/a amount.*IDENTITY\n", out)
    assert "\x1b" not in out
    assert re.search(r"what came from its columns \(1\)\n.*s3://lake/c as a whole from s3://lake/b day\n", out)


def test_a_trace_shows_columns_if_it_is_asked(lineage):
    column = ColumnFact("s3://lake/b", "total", "s3://lake/a", "amount\x1b", "DIRECT:IDENTITY", "actor://a/b")
    lineage.derive(artifact_at("s3://lake/b"), artifact_at("s3://lake/a"))
    trace = lineage.trace("s3://lake/b")

    assert "columns" not in drawn(draw_trace(trace))
    assert "no column lineage is known between these" in drawn(draw_trace(trace, ()))
    out = drawn(draw_trace(trace, (column,)))
    assert re.search(r"which columns came from which \(1\)\n.*s3://lake/b total from s3://lake/a amount", out)
    assert "\x1b" not in out


def test_an_impact_of_a_column_names_it_and_the_columns_that_were_reached():
    impact = Impact(
        "a#p",
        "s3://lake/a",
        {"dataset": 2},
        {"dataset": ["s3://lake/a", "s3://lake/b"]},
        {},
        kind="dataset",
        column="p",
        columns={"s3://lake/b": ["day\x1b", "total"]},
    )

    out = drawn(draw_impact(impact))

    assert out.startswith("s3://lake/a#p\n")
    assert re.search(r"s3://lake/b  day.*, total\n", out)
    assert "\x1b" not in out


def test_a_run_that_completed_needs_no_word(lineage):
    details = ActivityDetails(attributes={"state": "COMPLETE", "error": "of the first try"})
    lineage.record_activity("s3-run://1", "s3-run", used=[ORDERS], details=details)

    assert "COMPLETE" not in drawn(draw_trace(lineage.trace("s3-run://1")))


def test_an_impact_counts_and_names_the_runs_that_did_not_complete():
    impact = Impact(
        "a", "s3://lake/a", {"run": 20, "s3": 1}, {}, {}, failed=[f"openlineage-run://{n}" for n in range(13)]
    )

    out = drawn(draw_impact(impact))

    assert "runs that failed or were aborted (13)" in out
    assert "openlineage-run://11" in out
    assert "1 more, see --json" in out


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


def test_what_was_added_to_a_run_too_late_is_a_line_of_the_trace(lineage):
    run, model = "mlflow://local/run/r1", artifact_at("mlflow://local/model/m-1")
    for thing in ("git://shop/1f; first seen later", "tag = x; first seen later"):
        details = ActivityDetails(attributes={"later": thing})
        lineage.record_activity(run, "tracking-run", generated=[model], details=details)

    out = drawn(draw_trace(lineage.trace(model.uri)))

    assert f"Added to {run} too late to count: git://shop/1f; first seen later | tag = x; first seen later" in out

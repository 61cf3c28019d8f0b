"""The table of a benchmark says what was measured, and nothing where nothing was."""

import json

import pytest

from tests.benchmarks import demo, harness


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(harness, "RESULTS", tmp_path)

    def show(*rows):
        harness.finish("a-name", rows, 0.5, 100)
        written = json.loads((tmp_path / "a-name.json").read_text())
        return capsys.readouterr().out, written["rows"]

    return show


def test_a_cell_without_a_peer_is_empty(printed):
    table, (row,) = printed(harness.alone("trace", "p99", "ms", [1.0, 3.0, 2.0]))

    assert "over" not in table
    assert (row["ours"], row["peer"], row["theirs"], row["ratio"]) == (2.0, "", None, None)


def test_a_peer_that_passed_its_limit_is_said_to_be_over_it(printed):
    table, (row,) = printed(harness.compare("trace", "p50", "ms", [1.0], ("networkx", None)))

    assert "over 100 s" in table
    assert (row["peer"], row["theirs"]) == ("networkx", None)


def test_a_peer_that_was_measured_is_shown_with_the_ratio(printed):
    table, (row,) = printed(harness.compare("trace", "p50", "ms", [2.0, 2.0], ("networkx", [4.0, 4.0])))

    assert "over" not in table
    assert (row["theirs"], row["ratio"], row["low"], row["high"]) == (4.0, 0.5, 0.5, 0.5)


def a_run(*seconds):
    steps = [{"name": name, "wall_s": wall} for name, wall in zip(("acquire", "train"), seconds, strict=True)]
    return {"wall_s": sum(seconds) + 1, "steps": steps}


@pytest.mark.parametrize(("repeats", "has_interval"), [(1, False), (3, True)])
def test_the_demo_has_a_row_for_each_step_and_one_for_the_whole(repeats, has_interval):
    rows = demo.rows_of([a_run(4.0, 20.0)] * repeats, [a_run(2.0, 5.0)] * repeats)

    assert [(row.case, row.ours, row.theirs) for row in rows] == [
        ("acquire", 4.0, 2.0),
        ("train", 20.0, 5.0),
        ("all, with what is between", 25.0, 8.0),
    ]
    assert {row.low is not None for row in rows} == {has_interval}

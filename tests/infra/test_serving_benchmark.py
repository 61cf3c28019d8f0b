"""`bench-serving` measures servers that answer the same, and says what it could not measure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import harness, serving, serving_load, serving_peers
from tests.benchmarks.serving_case import Case, make_case, score_of, with_codes
from tests.benchmarks.serving_peers import Missing, Running, Side

STORED = ("minute_of_day", "temp", "distance_miles", "seats")
ASKED = 6


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("case") / "package", STORED, {"name": "brought_v1", "spec_hash": "0" * 64})


@pytest.fixture(scope="module")
def rows(case: Case) -> list[dict[str, Any]]:
    return [case.row(number) for number in range(1, ASKED + 1)]


@pytest.fixture(scope="module")
def running(
    case: Case, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Running]]:
    """Every server that needs no environment of its own; they start at once, which takes as long as the slowest."""
    folder, coded = tmp_path_factory.mktemp("servers"), [with_codes(row, case.features) for row in rows]
    of = {"rows": rows, "coded": coded}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving_peers, "python_of", _nowhere)
        sides, missing = serving_peers.sides_of_rows()
    assert set(missing) == {"ray-serve", "litserve"}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serving_peers.start(side, case.folder, folder, of[side.asked])) for side in sides
        ]
        for server in servers:
            server.await_ready()
        yield servers


def _nowhere(name: str) -> str:
    raise Missing(f"no environment for {name}")


def test_every_server_gives_the_same_score_for_the_same_row(
    running: list[Running], case: Case, rows: list[dict[str, Any]]
) -> None:
    expected = case.expected(rows)

    assert {server.name for server in running} >= {"bare-bento", "bento-batched", "fastapi", "mlflow-serve"}
    assert len(set(expected)) == len(rows)
    for server in running:
        answers = serving_peers.answers(server.requests, server.port, ASKED)
        serving_peers.require_scores(server.name, answers, expected)
        assert [score_of(each) for each in answers] == pytest.approx(expected, abs=1e-6), server.name


@pytest.mark.parametrize("clients", [1, 4])
def test_the_generator_counts_each_answer(running: list[Running], clients: int, capsys: Any, monkeypatch: Any) -> None:
    (server,) = (each for each in running if each.name == "fastapi")
    arguments = ["serving_load", str(server.requests), str(server.port), str(clients), "0.3"]
    monkeypatch.setattr("sys.argv", arguments)

    serving_load.main()

    found = json.loads(capsys.readouterr().out)
    assert found["failed"] == []
    assert found["answers"] >= clients
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= 1e3 * found["wall_s"]
    assert found["throughput"] == pytest.approx(found["answers"] / found["wall_s"])


def test_an_answer_that_is_an_error_is_said(
    running: list[Running], tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    (server,) = (each for each in running if each.name == "fastapi")
    file = tmp_path / "wrong.ndjson"
    file.write_text(json.dumps({"path": "/nowhere", "body": {}}) + "\n")
    monkeypatch.setattr("sys.argv", ["serving_load", str(file), str(server.port), "1", "0.05"])

    serving_load.main()

    assert "404" in json.loads(capsys.readouterr().out)["failed"][0]


def test_what_a_server_takes_of_the_processor_grows_with_its_work(running: list[Running]) -> None:
    # Its first process starts another one, which answers.
    (server,) = (each for each in running if each.name == "bare-bento")

    before = serving_peers.processor_seconds(server.pid)
    for _ in range(40):
        serving_peers.answers(server.requests, server.port, ASKED)

    assert before < serving_peers.processor_seconds(server.pid) < before + 30
    assert serving_peers.processor_seconds(2**22 + 1) == 0


def test_a_server_that_cannot_start_is_missing_with_the_last_line_of_its_log(tmp_path: Path) -> None:
    side = Side("broken", "rows", ("python", "-c", "raise SystemExit('no such model')"))

    with serving_peers.start(side, tmp_path, tmp_path, [{}]) as server, pytest.raises(Missing, match="no such model"):
        server.await_ready()


def test_a_wrong_score_stops_the_benchmark() -> None:
    answer = {"predictions": [{"probability": 0.25}]}

    serving_peers.require_scores("ours", [answer], [0.25 + 5e-7])
    with pytest.raises(SystemExit, match="ours answers 0.25 to row 0, and the model says 0.3"):
        serving_peers.require_scores("ours", [answer], [0.3])
    with pytest.raises(SystemExit, match="nan"):
        serving_peers.require_scores("ours", [{"predictions": [{"probability": float("nan")}]}], [0.3])


def a_measurement(throughput: float, p50_ms: float, p99_ms: float) -> list[dict[str, Any]]:
    return [{"throughput": throughput, "p50_ms": p50_ms, "p99_ms": p99_ms, "cpu_ms": 1.0, "failed": []}] * 2


FOUND = {
    (serving.ROWS, "handrail", 16): a_measurement(1000, 15, 20),
    (serving.ROWS, "bare-bento", 16): a_measurement(1100, 14, 15),
    (serving.ROWS, "mlflow-serve", 16): a_measurement(100, 150, 200),
    (serving.ROWS, "handrail", 1): a_measurement(900, 1.0, 2),
    (serving.ROWS, "bare-bento", 1): a_measurement(920, 0.98, 1),
    (serving.ROWS, "bare-bento-tuned", 16): a_measurement(2000, 8, 9),
    (serving.ROWS, "bento-batched", 16): a_measurement(1000, 16, 20),
    (serving.ROWS, "ceiling", 16): a_measurement(20000, 0.5, 1),
}


def test_each_peer_has_its_ratio_and_each_goal_its_figure() -> None:
    rows = serving.rows_of(FOUND)

    by = {(row.case, row.peer, row.metric): row for row in rows}
    assert by[f"{serving.ROWS}, 16 clients", "mlflow-serve", "throughput"].ratio == 10
    assert by["load generator, 16", "", "throughput"].ours == 20000
    assert by["adaptive batching, 16 clients", "bare-bento-tuned", "throughput"].ratio == 0.5
    goals = {goal.about.partition(": ")[::2]: goal for goal in serving.goals_of(rows)}
    at_one, at_16 = f"{serving.ROWS}, 1 client", f"{serving.ROWS}, 16 clients"
    assert {about: goal.is_met for about, goal in goals.items()} == {
        (at_16, "throughput / bare-bento's"): False,
        (at_16, "throughput / bare-bento-tuned's"): False,
        (at_16, "throughput / mlflow-serve's"): True,
        (at_16, "p99, ms"): False,
        (at_one, "throughput / bare-bento's"): True,
        (at_one, "p50 over bare-bento's, us"): True,
        (at_one, "p99, ms"): True,
    }
    assert goals[at_one, "p50 over bare-bento's, us"].measured == pytest.approx(20)


def test_what_could_not_be_measured_is_in_the_table_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    reason = "ray-serve: not measured, it could not be installed: no [such] package"

    harness.finish("serving", serving.rows_of(FOUND), 0.5, 100, [reason])

    assert reason in capsys.readouterr().out
    assert json.loads((tmp_path / "serving.json").read_text())["notes"] == [reason]


def test_a_peer_whose_environment_cannot_be_made_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_peers, "PEERS", tmp_path)
    monkeypatch.setattr(serving_peers, "ENVIRONMENTS", {"litserve": (str(tmp_path / "no-such-wheel.whl"),)})

    with pytest.raises(Missing, match="could not be installed: .*no-such-wheel"):
        serving_peers.python_of("litserve")

"""What a process that misbehaves, a package that attacks, or rows that lie do to the gate: one sentence."""

import re
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handrail.approvals.adapters.evaluation_process import COMMAND, EvaluationProcess
from handrail.approvals.adapters.measuring import measure
from handrail.errors import HandrailError, Refused, Unavailable
from handrail.files import sha256_of
from tests.fakes.labelled_rows import GOOD, labelled_rows
from tests.fakes.questions import Questions

BOMB_BYTES, BOMB_TEXT, HUNDREDS_OF_MILLIONS = 10 << 30, 1 << 19, 150 << 20


@pytest.fixture
def questions(tmp_path):
    return Questions(tmp_path)


def _running(code):
    """Return an evaluator whose process runs this code instead."""
    return EvaluationProcess((sys.executable, "-I", "-c", code))


def _saying(line):
    return f"import sys; sys.stdin.read(); print('{{}}'); print({line!r})"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("raise SystemExit(3)", "failed, with exit code 3"),
        ("import time; time.sleep(600)", "did not end within 2 s"),
        ("import os, time; os.close(1); time.sleep(600)", "did not end within 2 s"),
        ("import sys\nwhile True: sys.stdout.write('x' * 100000)", "more than an answer can hold"),
        ("import os\nfor _ in range(3): os.fork()\nimport time; time.sleep(600)", "did not end within 2 s"),
        ("print('{}')", "wrote 1 lines"),
        ("pass", "wrote 0 lines"),
        (_saying(""), "not JSON"),
        (_saying("NaN"), "does not hold exactly evaluation"),
        (_saying("[[["), "not JSON"),
        (_saying('{"evaluation": {"roc_auc": 0.9}, "comparison": null, "cases": {}, "scores": ""}'), "not a sha256"),
        (_saying('{"problem": "no \\u202e rows"}'), "no   rows"),
        (_saying('{"problem": ["x"]}'), "does not hold exactly"),
    ],
)
def test_a_process_that_misbehaves_ends_in_one_sentence(questions, code, words):
    question = questions.ask(GOOD, seconds=2)
    began = time.monotonic()

    with pytest.raises(Refused) as caught:
        _running(code).evaluate(question)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 30


def test_a_process_gets_no_variable_of_the_server_and_no_file_but_those_it_is_lent(questions, monkeypatch):
    monkeypatch.setenv("HANDRAIL_HOME", "/secret")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    code = """
import json, os, sys
task = json.load(sys.stdin)
known = {0, 1, 2, *task["files"].values()}
listed = [name for name in os.listdir("/proc/self/fd") if int(name) not in known]
more = [name for name in listed if os.path.exists(f"/proc/self/fd/{name}")]
foreign = [name for name in os.environ if name.startswith(("HANDRAIL", "MLFLOW", "HOME", "PATH"))]
print("{}")
print(json.dumps({"problem": f"{foreign} {more} {os.listdir('.')}"}))
"""

    with pytest.raises(Refused, match=r"\[\] \[\] \[\]"):
        _running(code).evaluate(questions.ask(GOOD, GOOD))


def test_a_program_that_is_not_there_is_named(questions):
    with pytest.raises(Unavailable, match="cannot be started"):
        EvaluationProcess(("/nowhere/python",)).evaluate(questions.ask(GOOD))


def test_a_snapshot_that_changed_in_custody_is_refused(questions):
    question = questions.ask(GOOD)

    with pytest.raises(Refused, match="Its bytes changed"):
        EvaluationProcess(COMMAND).evaluate(replace(question, snapshot_digest="sha256:" + "0" * 64))
    with pytest.raises(Unavailable, match="cannot be read"):
        EvaluationProcess(COMMAND).evaluate(replace(question, snapshot="/nowhere"))


def _attacks(questions, tmp_path):
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1" + b"\xff" * 999 + b"PAR1")
    good = questions.package(GOOD)
    numbers = labelled_rows()
    yield "cannot be read", questions.ask(good, rows=damaged)
    yield "not a packaged model", questions.ask(replace(good, network=b"onnx" * 99))
    yield "not a packaged model", questions.ask(replace(good, scoring=b"{}"))
    yield "not a packaged model", questions.ask(replace(good, scoring=b"[" * 100_000))
    yield "no finite number", questions.ask(questions.package((float("nan"), 0.0)))
    yield "no finite number", questions.ask(questions.package((float("inf"), 0.0)))
    yield "a model must not know", questions.ask(questions.package(GOOD, features=("carrier", "temp", "late")))
    yield "no single column 'unknown'", questions.ask(questions.package(GOOD, features=("carrier", "unknown")))
    yield "expected at least 700", questions.ask(good, least_rows=700)
    yield "no single column 'day'", questions.ask(good, rows=numbers.drop("day"))
    yield "is multiclass, and the label binary", questions.ask(questions.package(GOOD, kind="multiclass"))


def _measure(question):
    """Measure in this process, as the evaluator does in its own."""
    names = {"candidate.scoring": question.candidate.scoring, "candidate.network": question.candidate.network}
    return measure(asdict(question.plan), names | {"snapshot": Path(question.snapshot).read_bytes()})


def test_packages_and_rows_that_attack_end_in_one_sentence(questions, tmp_path):
    for words, question in _attacks(questions, tmp_path):
        with pytest.raises(HandrailError) as caught:
            _measure(question)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_sentence_comes_through_from_the_process(questions):
    with pytest.raises(Refused, match="snapshot: it has 600 labelled rows, expected at least 700"):
        EvaluationProcess().evaluate(questions.ask(GOOD, least_rows=700))


@pytest.mark.parametrize("where", ["snapshot", "candidate"])
def test_what_becomes_too_large_when_it_is_read_ends_in_one_sentence(questions, tmp_path, where):
    question = questions.ask(GOOD, seconds=60, megabytes=1024)
    if where == "snapshot":
        file = bomb(tmp_path / "bomb.parquet")
        question = replace(question, snapshot=str(file), snapshot_digest=f"sha256:{sha256_of(file)}")
    else:
        candidate = replace(question.candidate, scoring=b"[" + b"0," * HUNDREDS_OF_MILLIONS + b"0]")
        question = replace(question, candidate=candidate)

    with pytest.raises(Refused) as caught:
        EvaluationProcess().evaluate(question)

    assert "\n" not in str(caught.value)
    assert re.search(r"1,024 megabytes|too much memory|cannot be read", str(caught.value)), str(caught.value)


def bomb(file):
    """Write a Parquet file of less than a megabyte whose one column has 10 GB: a text that every row refers to."""
    text, rows = pa.array(["x" * BOMB_TEXT]), BOMB_BYTES // BOMB_TEXT
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), text)
    pq.write_table(pa.table({"late": column}), file, compression="zstd", store_schema=False)
    assert file.stat().st_size < 1 << 20
    assert pq.read_metadata(file).num_rows * BOMB_TEXT == BOMB_BYTES
    return file

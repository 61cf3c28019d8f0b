"""An import that was killed goes on where it was, and records nothing twice or never."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli.feedback_import import importing

HANDRAIL = str(Path(sys.executable).with_name("handrail"))
WORDS = ("--kind", "ground_truth", "--source", "erp", "--map", "value=late", "--set", "occurred_at=2013-08-01T13:00Z")
COUNT = 25
DEADLINE_S = 60


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(importing, "CHUNK", 5)


def write(file, first=0, late=1):
    rows = {"prediction_id": [f"p{number}" for number in range(first, COUNT)], "late": [late] * (COUNT - first)}
    if file.suffix == ".parquet":
        pq.write_table(pa.table(rows), file, row_group_size=7)
    elif file.suffix == ".csv":
        cells = [f"{name},{value}" for name, value in zip(*rows.values(), strict=True)]
        file.write_text("\n".join(["prediction_id,late", *cells]) + "\n")
    else:
        objects = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
        file.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return file


@pytest.fixture(params=["a.csv", "a.ndjson", "a.parquet"])
def file(request, project):
    return write(project / request.param)


def held():
    with open_platform() as platform:
        return platform.feedback.status().feedback


@pytest.fixture
def interrupted(monkeypatch, run, project):
    def call(file, parts=3, words=WORDS):
        real, done = importing.Checkpoint.write, []

        def write_and_stop(checkpoint, at, counts):
            real(checkpoint, at, counts)
            done.append(at)
            if len(done) == parts:
                raise _Killed

        with monkeypatch.context() as context:
            context.setattr(importing.Checkpoint, "write", write_and_stop)
            with pytest.raises(_Killed):
                run(file, *words)

    return call


class _Killed(BaseException):
    pass


def test_it_goes_on_behind_what_was_recorded(run, file, interrupted):
    interrupted(file)
    before = held()

    result = run(file, *WORDS, "--json")

    assert (before, held()) == (15, COUNT)
    assert "Goes on behind line 1" in result.stderr
    counts = json.loads(result.stdout)
    # The last part that was recorded is looked at again.
    assert (counts["accepted"], counts["repeated"]) == (20, 5)


def test_an_import_that_ended_leaves_nothing_behind(run, file, interrupted, project):
    interrupted(file)
    run(file, *WORDS)

    again = run(file, *WORDS)

    assert not list((project / "home" / "imports").iterdir())
    assert again.stdout == f"0 recorded, {COUNT} known already.\n"


def test_a_file_that_was_changed_before_that_is_read_from_its_beginning(run, file, interrupted):
    interrupted(file)
    write(file, late=0)

    result = run(file, *WORDS)

    assert "Goes on" not in result.stderr
    assert held() == COUNT + 15


def test_a_file_that_grew_goes_on(run, interrupted, project):
    file = write(project / "a.csv")
    interrupted(file)
    with file.open("a") as end:
        end.write("p99,1\n")

    assert "Goes on" in run(file, *WORDS).stderr
    assert held() == COUNT + 1


def test_other_words_begin_anew(run, file, interrupted):
    interrupted(file)

    assert "Goes on" not in run(file, *WORDS[:-1], "occurred_at=2013-08-02T13:00Z").stderr
    assert held() == COUNT + 15


def test_a_store_that_was_put_back_to_an_earlier_state_gets_all_rows(run, file, interrupted, project):
    interrupted(file)
    for part in (project / "home").glob("handrail.db*"):
        part.unlink()

    run(file, *WORDS)

    assert held() == COUNT


def test_a_note_that_cannot_be_read_costs_time_only(run, file, interrupted, project):
    interrupted(file)
    for note in (project / "home" / "imports").iterdir():
        note.write_text("{")

    run(file, *WORDS)

    assert held() == COUNT


def test_rows_that_were_set_aside_before_are_counted(run, interrupted, project):
    file = project / "a.csv"
    file.write_text("prediction_id,late\n" + "".join(f"p{number},{number % 3}\n" for number in range(COUNT)))
    interrupted(file, parts=4)

    result = run(file, *WORDS, "--json")

    counts = json.loads(result.stdout)
    assert (result.exit_code, counts["refused_count"], held()) == (1, 8, 17)
    assert [each["place"] for each in counts["refused"]] == [f"a.csv line {2 + n}" for n in range(COUNT) if n % 3 == 2]


def test_lines_behind_an_open_quote_are_not_passed_by_an_interruption(run, interrupted, project):
    rows = [f"p{number},1" for number in range(300)]
    rows[3] = 'p3,"1'
    file = project / "a.csv"
    file.write_text("\n".join(["prediction_id,late", *rows]) + "\n")
    interrupted(file, parts=2)

    run(file, *WORDS)

    assert held() == 299


def test_a_killed_process_goes_on_and_records_each_row_once(project):
    file = project / "big.csv"
    file.write_text("prediction_id,late\n" + "".join(f"p{number},1\n" for number in range(12_000)))
    command = [HANDRAIL, "feedback", "import", str(file), *WORDS]
    notes = project / "home" / "imports"
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + DEADLINE_S
    while not list(notes.glob("*.json")) and time.monotonic() < deadline and process.poll() is None:
        continue
    process.send_signal(signal.SIGKILL)
    process.communicate()

    again = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=DEADLINE_S)

    assert (process.returncode, again.returncode) == (-signal.SIGKILL, 0), again.stderr
    assert "Goes on behind line" in again.stderr
    assert held() == 12_000

"""Another interpreter is asked, and whatever goes wrong there is one sentence about the subject."""

import os
import sys
from pathlib import Path

import pytest

from handrail.errors import Unavailable
from handrail.reproduction.adapters.other_python import OtherPython

pytestmark = pytest.mark.any_version

HEAD = "import json, os, sys\nfrom pathlib import Path\nask, answer = map(Path, sys.argv[1:])\n"
REMEDY = "Try another environment."


def ask(folder, source, request=None, python=Path(sys.executable), environment=None, timeout_s=60.0):
    script = folder / "asked.py"
    script.write_text(HEAD + source)
    return OtherPython(python, environment or {}, timeout_s).ask(script, request or {}, "The rows", REMEDY)


def test_the_answer_is_what_the_script_wrote_about_the_request(tmp_path):
    source = "answer.write_text(json.dumps([json.loads(ask.read_text()), os.environ['COLOUR'], os.environ['PATH']]))"

    answer = ask(tmp_path, source, {"known": ["ä"]}, environment={"COLOUR": "red"})

    assert answer == [{"known": ["ä"]}, "red", os.environ["PATH"]]


def test_nothing_is_left_behind(tmp_path):
    source = "answer.write_text(json.dumps(str(ask.parent)))"

    assert not Path(ask(tmp_path, source)).exists()


def test_modules_beside_the_script_are_not_imported(tmp_path):
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('the wrong one')")

    assert ask(tmp_path, "import colorsys; answer.write_text('1')") == 1


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("print('first', file=sys.stderr); sys.exit('No module mlflow.')", "No module mlflow"),
        ("sys.stderr.buffer.write(b'caf\\xe9'); sys.exit(3)", "caf\N{REPLACEMENT CHARACTER}"),
        ("sys.exit(3)", "asked.py failed and printed nothing"),
        ("pass", "asked.py ended without an answer"),
        ("answer.write_text('{')", "asked.py ended without an answer"),
    ],
)
def test_a_script_that_fails_is_one_sentence(tmp_path, source, problem):
    with pytest.raises(Unavailable) as refused:
        ask(tmp_path, source)

    assert str(refused.value) == f"The rows: {problem}. {REMEDY}"


def test_a_script_that_does_not_end_is_stopped_and_is_one_sentence(tmp_path):
    source = "import threading; Path(os.environ['STARTED']).write_text(str(os.getpid())); threading.Event().wait()"
    started = tmp_path / "started"

    with pytest.raises(Unavailable) as refused:
        ask(tmp_path, source, environment={"STARTED": str(started)}, timeout_s=5.0)

    assert str(refused.value) == f"The rows: asked.py gave no answer within 5 s. {REMEDY}"
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_an_interpreter_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(Unavailable) as refused:
        ask(tmp_path, "pass", python=tmp_path / "gone" / "python")

    gone = tmp_path / "gone" / "python"
    assert str(refused.value) == f"The rows: {gone} does not start (No such file or directory). {REMEDY}"

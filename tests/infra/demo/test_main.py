"""Whatever stops the demo: a sentence on the screen, the step that failed in the summary, the traceback in a file."""

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from handrail.errors import Unavailable
from handrail.settings import Settings
from infra.demo import __main__ as demo
from infra.demo.scene import Scene
from infra.demo.screen import Screen
from infra.servers.supervisor import Servers

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scene(tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "project" / "config")
    shutil.copy(ROOT / "params.yaml", tmp_path / "project")
    settings = Settings(project=tmp_path / "project", home=tmp_path / "home")
    return Scene(tmp_path, settings, Servers(settings))


def carried_out(scene, *runs):
    page, results = io.StringIO(), []
    steps = [demo.Step(f"step-{number}", f"Step {number}", run) for number, run in enumerate(runs)]
    demo.run_steps(scene, Screen(Console(file=page, width=200), len(steps)), steps, results)
    return page.getvalue(), results


def fine(scene, report):
    return {"rows": 3}


def mistaken(scene, report):
    report("looking for [/] a key")
    raise KeyError("[bold] column")


def test_an_unexpected_exception_is_a_sentence_and_its_traceback_is_in_the_file_that_it_names(scene):
    page, results = carried_out(scene, fine, mistaken, fine)

    file = scene.settings.home / "demo" / "traceback.txt"
    reason = f"KeyError: '[bold] column'. Run it again, and if it stays, report it with {file}."
    assert [(result["name"], result["ok"]) for result in results] == [("step-0", True), ("step-1", False)]
    assert results[1]["figures"] == {"reason": reason}
    assert "KeyError: '[bold] column'." in page
    assert "Traceback" not in page
    assert "in mistaken" in file.read_text()


def test_a_mistake_of_a_user_is_its_own_sentence_and_leaves_no_traceback(scene):
    def refused(scene, report):
        raise Unavailable("The registry", "it does not answer", "Start it.")

    _, results = carried_out(scene, refused)

    assert results[0]["figures"] == {"reason": str(Unavailable("The registry", "it does not answer", "Start it."))}
    assert not (scene.settings.home / "demo").exists()


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError("project"), "KeyError: 'project'."), (KeyboardInterrupt(), "Interrupted.")]
)
def test_the_summary_is_written_also_if_no_step_was_reached(error, said, tmp_path, monkeypatch, capsys):
    def fail(home):
        raise error

    monkeypatch.setattr(demo, "CHECKOUT", tmp_path)
    monkeypatch.setattr(demo, "_settings", fail)

    code = demo.main([])

    summary = json.loads((tmp_path / ".handrail" / "demo" / "summary.json").read_text())
    assert (code, summary["ok"], summary["steps"]) == (1, False, [])
    assert summary["reason"].startswith(said)
    assert said in capsys.readouterr().out


def test_a_traceback_that_cannot_be_kept_does_not_hide_the_error(tmp_path):
    (tmp_path / "demo").write_text("a file where the folder should be")

    assert demo.reason_of(tmp_path, KeyError("x")).startswith("KeyError: 'x'. Its traceback could not be kept: ")


def test_what_was_begun_gives_its_outcome_and_its_error_to_the_step_that_needs_it(scene):
    def fail():
        raise Unavailable("The stage", "it failed", "Look.")

    scene.begin("made", lambda: 3)
    scene.begin("failed", fail)

    assert scene.outcome("made") == 3
    with pytest.raises(Unavailable, match="it failed"):
        scene.outcome("failed")

"""The closing screen: nineteen lines that fit a terminal, and every figure in two files."""

import io
import json
from copy import deepcopy

import pytest
from rich.console import Console

from infra.demo import closing
from infra.demo.__main__ import STEPS, main
from infra.demo.production import ONLY

PREDICTION = "1c8e8c41-0f2f-5621-83e4-d80aa3b9bfc2"
FIGURES = {
    "approve": {
        "version": "flights v1",
        "direct_attempt": "403 Changing the alias directly is refused.",
        "approved_by": ["Ben Engineer", "Cleo Business"],
        "verdict": "promoted",
    },
    "serve": {"altered_trees_refused": "7 of 7, for example: The file differs."},
    "monitor": {"2013-08": "ROC-AUC 0.743, ok", "2013-09": "score PSI 0.45, drift alert", "all_months_roc_auc": 0.75},
    "retrain": {"schedule_only": "refused", "because": "a [red] figure"},
    "compare": {
        "answer": "no_difference",
        "pairs": 20_997,
        "metric": "brier",
        "gain": 0.00029,
        "gain_from": -0.00052,
        "gain_to": 0.00111,
        "schedule_in_shadow": "rolled back",
        "schedule_in_shadow_because": "The challenger is worse.",
    },
    "rollout": {
        "shares": ["shadow 25%", "canary 5%", "50%", "100%"],
        "ended": "promoted",
        "verdict": "promoted",
    },
    "trace": {
        "prediction": PREDICTION,
        "predictions_that_trace": "141,193 of 141,193",
        "impact_of": "data/raw/flights/2013-03.csv",
    },
    "closing": {
        "start": "make up",
        "mlflow": "http://127.0.0.1:5000",
        "prefect": "http://127.0.0.1:4200",
        "bento": "http://127.0.0.1:3000",
        "evidently": "http://127.0.0.1:8000",
        "lineage": "http://127.0.0.1:7878",
        "credentials": ".handrail/credentials",
        "open_request": "pr-69b251fe1b51ddc2e489",
        "waits_for": "cleo",
    },
}


def a_summary(until="closing"):
    names = [step.name for step in STEPS]
    names = names[: names.index(until) + 1]
    steps = [{"name": name, "ok": True, "wall_s": 1.0, "figures": FIGURES.get(name, {"rows": 3})} for name in names]
    return {"ok": True, "wall_s": 173.2, "steps": steps}


@pytest.fixture
def screen(tmp_path):
    def show(summary):
        page = io.StringIO()
        files = closing.write(tmp_path / ".handrail" / "demo", summary)
        closing.show_end(Console(file=page, width=80), summary, files)
        return page.getvalue().splitlines()

    return show


def test_a_challenger_that_another_one_overtook_is_said_in_words(screen):
    summary = deepcopy(a_summary())
    retrain = next(step for step in summary["steps"] if step["name"] == "retrain")["figures"]
    (poor,) = [name for name in retrain if name.endswith(ONLY)]
    retrain[poor] = "void"

    assert "  retrained  promoted; the model that knows only the schedule: overtaken by it" in screen(summary)


def test_the_screen_has_nineteen_lines_that_fit(screen):
    lines = screen(a_summary())

    assert len(lines) == 19
    assert max(map(len, lines)) <= 82


@pytest.mark.parametrize(
    "said",
    [
        "The loop is closed: 173 s",
        "promoted by Ben Engineer, Cleo Business; a move without it: 403",
        "altered trees refused: 7 of 7",
        "2 judged on mature labels; alerts: 2013-09",
        "promoted; the model that knows only the schedule: refused",
        "in shadow: no difference that matters (brier -0.0005 to +0.0011)",
        "  rollout    shadow 25%, canary 5%, 50%, 100%: promoted; schedule: rolled back",
        "141,193 of 141,193 predictions lead back",
        "MLflow http://127.0.0.1:5000",
        "bento http://127.0.0.1:3000/docs",
        "Decide one request in a browser, as cleo (.handrail/credentials/demo-cleo.json)",
        "http://127.0.0.1:5000/handrail/requests/pr-69b251fe1b51ddc2e489",
        f"handrail lineage trace {PREDICTION}",
        "handrail lineage impact data/raw/flights/2013-03.csv",
        "handrail reproduce flights@champion",
        "ada (data-scientist), ben (ml-engineer), cleo (business-stakeholder)",
        ".handrail/credentials/demo-<name>.json",
        ".handrail/demo/summary.json, .handrail/demo/summary.txt",
    ],
)
def test_the_screen_says_verdicts_addresses_commands_and_logins(screen, said):
    assert any(said in line for line in screen(a_summary()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"answer": "none", "because": "nothing came later"},
            "no: nothing came later",
        ),
        ({"answer": "blocked", "gain_from": None, "gain_to": None}, "in shadow: blocked"),
        ({"answer": "better", "gain_from": 0.001}, "in shadow: the challenger is better (brier +0.0010 to +0.0011)"),
    ],
)
def test_each_answer_about_the_challenger_is_said(screen, change, said):
    summary = deepcopy(a_summary())
    step = next(step for step in summary["steps"] if step["name"] == "compare")
    step["figures"] = step["figures"] | change

    assert f"  compared   {said}" in screen(summary)


def test_where_nothing_is_left_open_the_screen_does_not_speak_of_it(screen):
    summary = deepcopy(a_summary())
    last = summary["steps"][-1]["figures"]
    last["open_request"] = "none: what this model answers has no threshold"
    del last["waits_for"]

    lines = screen(summary)

    assert len(lines) == 17
    assert not any("browser" in line for line in lines)


def test_every_figure_is_in_both_files(screen, tmp_path):
    screen(a_summary())
    folder = tmp_path / ".handrail" / "demo"

    assert json.loads((folder / "summary.json").read_text()) == a_summary()
    page = (folder / "summary.txt").read_text()
    assert all(step.name in page for step in STEPS)
    assert "a [red] figure" in page


def test_after_a_stop_the_screen_says_which_step_it_was(screen):
    lines = screen(a_summary("approve"))

    assert lines[0] == "Stopped after approve: 173 s. `make demo` goes on from here."
    assert len(lines) == 2


def test_a_step_that_does_not_exist_is_one_sentence_with_the_steps(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("infra.demo.__main__.CHECKOUT", tmp_path)

    code = main(["--stop", "approval"])

    said = " ".join(capsys.readouterr().out.split())
    assert code == 2
    assert "there is no step 'approval'" in said
    assert ", ".join(step.name for step in STEPS) in said
    assert not list(tmp_path.iterdir())

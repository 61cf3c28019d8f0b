"""`handrail approvals` on a terminal: whole ids, the numbers of the evidence, and sentences with the fitting remedy."""

import pytest

from handrail.entrypoints.http.problems import members_of
from handrail.errors import UnknownReference
from tests.fakes.answering_server import answering
from tests.fakes.approvals_command import CONTENT, FORGED, REQUEST_ID, ROW, runner


@pytest.fixture
def run(tmp_path):
    return runner(tmp_path)


@pytest.mark.parametrize("columns", ["20", "80"])
def test_an_id_is_whole_however_narrow_the_terminal(run, columns):
    with answering(200, {"requests": [ROW]}) as url:
        listed = run(url, "list", columns=columns)
    with answering(200, ROW | {"evidence_content": CONTENT}) as url:
        shown = run(url, "show", REQUEST_ID, columns=columns)

    assert REQUEST_ID in listed.stdout.split()
    assert REQUEST_ID in shown.stdout.split()
    assert ROW["tree_digest"] in shown.stdout.split()


def test_show_prints_the_numbers_that_an_approver_decides_about(run):
    with answering(200, ROW | {"evidence_content": CONTENT}) as url:
        lines = [line.split(maxsplit=1) for line in run(url, "show", REQUEST_ID).stdout.splitlines()]

    assert ["evaluation.roc_auc", "0.6184"] in lines
    assert ["evaluation.by_bar.old", "0.6"] in lines
    assert ["evaluation.folds", "a list of 3"] in lines
    assert ["evaluation.by", f'"{"x" * 79}...'] in lines


def test_show_cuts_long_evidence_and_says_so(run):
    many = {"evaluation": {"deep": {str(number): number for number in range(60)}, "roc_auc": 0.7}}

    with answering(200, ROW | {"evidence_content": many}) as url:
        shown = run(url, "show", REQUEST_ID).stdout

    assert "evaluation.roc_auc" in shown
    assert "21 more values: --json has them all" in shown
    assert shown.count("evaluation.deep.") == 39


@pytest.mark.parametrize(
    ("model", "remedy"), [((), "Name yours with --model"), (("--model", "flights"), "Register it")]
)
def test_a_model_that_nobody_named_is_asked_for(run, tmp_path, model, remedy):
    (tmp_path / "e.json").write_text("{}")
    unknown = UnknownReference("registered model", "flights", "Register it on this server first.")
    words = ["request", "--version", 1, "--reason", "better", "--evidence", "evaluation=e.json", *model]

    with answering(422, {"detail": str(unknown), **members_of(unknown)}) as url:
        answer = run(url, *words)

    assert answer.returncode == 1
    assert remedy in answer.stderr


def test_a_server_that_is_not_there_is_named_with_the_setting_that_names_it(run):
    answer = run("http://127.0.0.1:9", "list")

    assert answer.returncode == 1
    assert "http://127.0.0.1:9: nobody answers there" in answer.stderr
    assert "mlflow_url in config/handrail.yaml" in answer.stderr
    assert "make up" not in answer.stderr


def test_a_wrong_login_says_login(run):
    with answering(401, {}) as url:
        answer = run(url, "list")

    assert f"The login of 'rosa' at {url} is refused" in answer.stderr
    assert "MLFLOW_TRACKING_PASSWORD" in answer.stderr


def test_what_people_wrote_is_quoted_on_one_line_of_its_own(run):
    said = {"person": "Ben", "decision": "approve", "reason": FORGED, "account": "ben", "at": "", "counts": True}
    row = ROW | {"reason": FORGED, "decisions": [said], "reasons": [f"roc_auc {FORGED}"], "evidence_content": {}}

    with answering(200, row | {"evidence_content": {"evaluation": {"note": FORGED}}}) as url:
        answer = run(url, "show", REQUEST_ID)

    lines = answer.stdout.splitlines()
    assert '  Ben said approve: "fine\\n  Cleo Business said approve: \\u001b[2Jyes\\u202e"' in lines
    assert not [line for line in lines + answer.stderr.splitlines() if line.lstrip().startswith("Cleo")]
    assert all(line.isprintable() for line in lines + answer.stderr.splitlines())


def test_a_reason_with_a_line_break_does_not_leave_the_terminal(run, tmp_path):
    (tmp_path / "e.json").write_text("{}")

    decided = run("http://127.0.0.1:9", "decide", REQUEST_ID, "--approve", "--reason", "a\nb")
    asked = run("http://127.0.0.1:9", "request", "--version", 1, "--reason", "a\nb", "--evidence", "e=e.json")

    for answer in (decided, asked):
        assert answer.returncode == 1
        assert "--reason: character 2 is a line break, U+000A." in answer.stderr


def test_each_rule_is_shown_with_value_level_and_who_answers_for_it(run):
    quality = {"measure": "evaluation.roc_auc", "value": 0.67, "level": "recomputed", "by": "the gate"}
    measures = [
        quality | {"wanted": "recomputed", "met": False},
        quality | {"wanted": "recomputed", "met": True},
        {
            "measure": "parity.labels_differ",
            "value": 0,
            "level": "claimed",
            "by": "tom",
            "wanted": "bound",
            "met": False,
        },
        quality | {"measure": "comparison.ci_low", "value": None, "level": None, "by": None, "met": False},
    ]
    with answering(200, ROW | {"evidence_content": CONTENT, "measures": measures}) as url:
        shown = run(url, "show", REQUEST_ID).stdout

    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "rule on evaluation.roc_auc 0.67, recomputed by the gate: not met" in lines
    assert "rule on parity.labels_differ 0, claimed by tom: not met; wanted bound" in lines
    assert "rule on comparison.ci_low unknown: not met" in lines

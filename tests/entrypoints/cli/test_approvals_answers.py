"""`handrail approvals` where persons answer: what was shown, questions, findings, renewal and the short ways."""

import os
import pty
import subprocess

import pytest

from tests.fakes.answering_server import answering
from tests.fakes.approvals_command import CONTENT, FORGED, HANDRAIL, REQUEST_ID, ROW, runner

SEEN = "sha256:" + "5" * 64


@pytest.fixture
def run(tmp_path):
    return runner(tmp_path)


def test_show_prints_the_digest_that_a_decision_carries(run):
    with answering(200, ROW | {"seen": SEEN, "evidence_content": CONTENT}) as url:
        lines = [line.split() for line in run(url, "show", REQUEST_ID).stdout.splitlines()]

    assert ["seen", SEEN] in lines


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_on_a_terminal_the_facts_are_shown_before_the_decision_is_sent(tmp_path, answer, code):
    sent = []
    environment = {"PATH": os.environ["PATH"], "HANDRAIL_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}
    environment |= {"MLFLOW_TRACKING_USERNAME": "rosa", "MLFLOW_TRACKING_PASSWORD": "x"}
    with answering(200, ROW | {"seen": SEEN, "evidence_content": CONTENT}, sent) as url:
        terminal, inside = pty.openpty()
        words = [HANDRAIL, "approvals", "decide", REQUEST_ID, "--approve", "--reason", "fine"]
        process = subprocess.Popen(
            words,
            cwd=tmp_path,
            env=environment | {"HANDRAIL_MLFLOW_URL": url},
            stdin=inside,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(terminal, answer.encode())
        out, err = process.communicate(timeout=120)
        os.close(terminal)
        os.close(inside)

    assert process.returncode == code
    assert b"evaluation.roc_auc" in err
    assert bool(out.strip()) is (code == 0)
    assert [body["seen"] for body in sent if body] == ([SEEN] if code == 0 else [])


ASKED = {
    "number": 1,
    "person": "Ben",
    "question": FORGED,
    "at": "",
    "open": False,
    "answer": FORGED,
    "answered_by": "Tom",
    "answered_at": "",
}
CLOSED = {
    "finding_id": "fi-1",
    "by": "monitoring",
    "text": FORGED,
    "open": False,
    "closed_by": "Cleo",
    "closed_because": FORGED,
}
SINCE = {
    "person": "Ben",
    "request_id": "pr-0",
    "at": "2026-11-29T10:30:00",
    "changes": ["Its incumbent was 1.", FORGED],
}


def test_questions_findings_and_changes_are_shown_each_on_one_line(run):
    waits = ASKED | {"number": 2, "answer": None, "answered_by": None, "open": True}
    more = {"questions": [ASKED, waits], "findings": [CLOSED], "changes": [SINCE]}

    with answering(200, ROW | more | {"evidence_content": {}}) as url:
        lines = [line.strip() for line in run(url, "show", REQUEST_ID).stdout.splitlines()]

    assert "question 2 waits for an answer; the clock stands" in lines
    assert [line for line in lines if line.startswith("Tom answered question 1: ")]
    assert [line for line in lines if line.startswith("monitoring found ") and "Cleo closed that: " in line]
    assert "Ben approved pr-0 on 2026-11-29, which this renews. Since then:" in lines
    assert "Its incumbent was 1." in lines
    assert not [line for line in lines if line.startswith("Cleo Business")]
    assert all(line.isprintable() for line in lines)


def test_a_decision_says_exactly_one_thing(run):
    for words in (("--approve", "--ask"), ()):
        answer = run("http://127.0.0.1:9", "decide", REQUEST_ID, "--reason", "fine", *words)

        assert answer.returncode == 2
        assert "--approve, --reject and --ask" in " ".join(answer.stderr.split())


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (
            ("rollback", "--version", 3, "--reason", "it fails"),
            {"model": "orders", "version": "3", "alias": "champion", "reason": "it fails"},
        ),
        (
            ("break-glass", "--version", 3, "--alias", "shadow", "--reason", "it fails"),
            {"model": "orders", "version": "3", "alias": "shadow", "reason": "it fails"},
        ),
        (("answer", REQUEST_ID, "--answer", "all"), {"request_id": REQUEST_ID, "answer": "all"}),
        (("answer", REQUEST_ID, "--answer", "all", "--question", 2), {"answer": "all", "question": 2}),
        (("renew", REQUEST_ID), {"request_id": REQUEST_ID}),
        (("decide", REQUEST_ID, "--ask", "--reason", "why?"), {"decision": "ask", "reason": "why?"}),
        (("decide", REQUEST_ID, "--reject", "--reason", "no", "--seen", SEEN), {"decision": "reject", "seen": SEEN}),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_a_command_sends_what_was_said(run, words, sent):
    received = []
    named = ("--model", "orders") if words[0] in ("rollback", "break-glass") else ()

    with answering(200, ROW | {"confirmation": "pr-7"}, received) as url:
        answer = run(url, *words, *named)

    assert answer.returncode == 0, answer.stderr
    (body,) = received
    assert sent.items() <= body.items()
    assert ("pr-7" in answer.stderr) is (words[0] == "break-glass")


def test_findings_are_opened_closed_and_listed(run):
    finding = CLOSED | {"model": "orders", "version": 3, "alias": None, "severity": "high"}
    received = []
    with answering(200, finding, received) as url:
        opened = run(
            url, "finding", "open", "--model", "orders", "--version", 3, "--text", "drift", "--severity", "high"
        )
        closed = run(url, "finding", "close", "fi-1", "--reason", "fine")
    with answering(200, {"findings": [finding]}) as url:
        listed = run(url, "finding", "list", "--open")

    assert [opened.returncode, closed.returncode, listed.returncode] == [0, 0, 0]
    assert received[0] == {"model": "orders", "text": "drift", "severity": "high", "version": "3"}
    assert received[1] == {"finding_id": "fi-1", "reason": "fine"}
    assert "fi-1" in listed.stdout
    assert "orders version 3" in listed.stdout
    assert all(line.isprintable() for line in (opened.stdout + listed.stdout).splitlines())

"""`handrail approvals changes` on a terminal."""

import json

import pytest

from tests.fakes.answering_server import answering
from tests.fakes.approvals_command import FORGED, REQUEST_ID, runner


def _row(before, after, origin="author's word", **more):
    return {"before": before, "after": after, "origin": origin, **more}


def _part(**lists):
    known = {"before": True, "after": True}
    empty = {"changed": [], "added": [], "removed": [], "same": 3, "origin": "recomputed", "left_out": 0}
    return empty | {"known": known} | lists


ANSWER = {
    "request_id": REQUEST_ID,
    "against": {"version": 1, "tree": "sha256:" + "a" * 64},
    "files": _part(
        changed=[_row(*({"size": n, "sha256": f"{n}" * 64} for n in (1, 2)), "recomputed", path="model.skops")]
    ),
    "settings": _part(changed=[_row(0.35, 0.24, "recomputed", name="threshold")]),
    "late": [],
    "parameters": _part(changed=[_row("0.05", FORGED, name="rate")], unchanged=8, left_out=7),
    "code": {"commit": _row("1" * 40, "2" * 40), "clean": _row(True, None, known=False), "files": _part()},
    "data": [_row(100, 140, what="training rows"), _row("x", "x", what="validation set")],
    "features": _part(
        added=["wind"],
        count=_row(2, 3, "recomputed"),
        service=_row(None, {"name": "flights_v1", "digest": None}),
        importances=[_row(0.1, 0.3, name=f"f{number}", change=0.2) for number in range(9)],
    ),
    "environment": _part(added=[_row(None, "==1.0", "recomputed", name="scipy")]),
    "unknown": ["The run of version 1 could not be read: it is gone."],
}


@pytest.fixture
def run(tmp_path):
    return runner(tmp_path)


def test_each_difference_is_a_line_with_its_origin(run):
    with answering(200, ANSWER) as url:
        answer = run(url, "changes", REQUEST_ID)

    lines = [" ".join(line.split()) for line in answer.stdout.splitlines()]
    assert lines[0] == "Since version 1:"
    assert f"files model.skops 1 {'1' * 64} → 2 {'2' * 64} recomputed" in lines
    assert "parameters ... 7 more" in lines
    assert f"code commit {'1' * 40} → {'2' * 40} author's word" in lines
    assert "code clean checkout true → not known author's word" in lines
    assert "data training rows 100 → 140 author's word" in lines
    assert "features added wind" in lines
    assert "environment scipy none → ==1.0 recomputed" in lines
    assert "validation set" not in answer.stdout
    assert "settings threshold 0.35 → 0.24 recomputed" in lines
    assert answer.stdout.count("weight of") == 5
    assert answer.stderr.strip() == "Not known: The run of version 1 could not be read: it is gone."


def test_a_server_of_before_settings_were_read_is_understood(run):
    with answering(200, {name: value for name, value in ANSWER.items() if name not in ("settings", "late")}) as url:
        answer = run(url, "changes", REQUEST_ID)

    assert answer.returncode == 0, answer.stderr
    assert "settings" not in answer.stdout


def test_what_a_run_says_stays_on_its_line(run):
    with answering(200, ANSWER) as url:
        lines = run(url, "changes", REQUEST_ID).stdout.splitlines()

    (forged,) = (line for line in lines if "Cleo" in line)
    assert forged.startswith("parameters")
    assert "\\x1b" in forged
    assert "\\u202e" in forged


def test_json_is_what_the_server_said(run):
    with answering(200, ANSWER) as url:
        assert json.loads(run(url, "changes", REQUEST_ID, "--json").stdout) == ANSWER


def test_a_first_version_is_said_to_be_that(run):
    with answering(200, ANSWER | {"against": {"version": None, "tree": None}}) as url:
        assert run(url, "changes", REQUEST_ID).stdout.startswith("Since nothing: it is the first version.\n")

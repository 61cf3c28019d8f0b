"""`handrail lineage trace`: the chain first, then history, then counts."""

import json

import pytest

from handrail.entrypoints.answers.mlflow_pages import Pages
from tests.fakes.lineage import COMMIT, DEPLOYMENT


def test_a_trace_is_one_chain_then_history_then_counts(handrail):
    code, out, _ = handrail("trace", "p1")

    kinds = ["● Prediction", "● Deployment", "● Bento", "● Permit", "● Model version", "● MLflow run"]
    kinds += ["● Training set", "● Features", "● Validation", "● Raw data", "● Git commit"]
    places = [out.index(word) for word in (*kinds, "History", "things led to it")]
    assert code == 0
    assert places == sorted(places)
    assert out.startswith("It came from flights 1, which ann and bob allowed; nothing on the way is missing")
    assert "2026-11-23 12:00:00  ● Prediction" in out
    assert "flight-1: 0.500, called late" in out
    assert f"git://shop/{COMMIT}" in out, "what stands at a link can be copied"
    assert "proven (bentoml)" in out
    assert "flights@champion → flights 1  until now" in out


def test_a_part_of_a_trace_has_no_chain(handrail):
    answered = json.loads(handrail("trace", "p1", "--kind", "bento", "--json")[1])

    assert (answered["path"], answered["summary"], answered["missing"]) == (None, None, None)


def test_the_chain_as_json_names_each_link_with_its_moment_and_proof(handrail):
    answered = json.loads(handrail("trace", "p1", "--json")[1])

    first, second, *_, last = answered["path"]
    assert (first["station"], first["title"]) == ("prediction", "flight-1: 0.500, called late")
    assert (first["when"], first["event_time"]) == ("2026-11-23T12:00:00+00:00", False)
    assert (second["uri"], second["proven"], second["said_by"]) == (DEPLOYMENT.uri, False, ["feedback"])
    assert (last["uri"], last["proven"]) == (f"git://shop/{COMMIT}", True)
    assert answered["missing"] == []


@pytest.mark.parametrize(
    ("uri", "page"),
    [
        ("mlflow://ours/registered/a%20b/17/3", "/#/models/a%20b/versions/3"),
        ("mlflow://ours/run/0f", "/#/runs/0f"),
        ("approval://ours/pr-1", "/handrail/requests/pr-1"),
        ("approval://theirs/pr-1", ""),
        ("git://shop/c0", ""),
    ],
)
def test_what_the_server_has_a_page_of_has_its_address(uri, page):
    expected = f"http://127.0.0.1:5000{page}" if page else ""

    assert Pages("http://127.0.0.1:5000", "ours").page_of(uri) == expected


def test_a_page_of_a_trace_is_written_whole_or_as_a_summary(handrail):
    whole = handrail("export", "p1", "--format", "html")[1]
    summary = handrail("export", "p1", "--format", "html", "--summary")[1]

    assert "It came from flights 1, which ann and bob allowed" in summary
    assert whole.count("<table>") == 1
    assert "<table>" not in summary


@pytest.mark.parametrize(
    "options",
    [
        ("--format", "dot", "--summary"),
        ("--format", "html", "--towards", "effects"),
        ("--format", "html", "--kind", "bento"),
        ("--format", "html", "--depth", "2"),
    ],
)
def test_a_part_of_a_page_is_refused_in_one_sentence(handrail, options):
    code, out, error = handrail("export", "p1", *options)

    assert (code, out, error.count("error:")) == (1, "", 1)
    assert "Leave it out" in error

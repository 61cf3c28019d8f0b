"""`handrail lineage`: trees for eyes, JSON for programs, one sentence for mistakes."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.bootstrap import open_platform
from handrail.feedback import Prediction
from handrail.lineage.domain.names import artifact_at
from handrail.refs import ArtifactVersion
from tests.fakes.lineage import COMMIT, DEPLOYMENT, PERMIT, VERSION

CONFIG = Path(__file__).resolve().parents[4] / "config"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALIAS = "mlflow alias flights@champion"


def test_a_trace_can_be_a_tree_in_the_order_of_the_loop(handrail):
    code, out, _ = handrail("trace", "p1", "--tree")

    titles = [
        "prediction p1",
        "deployment",
        "bento",
        "permit and approvers",
        "actor://registry/ann",
        "model version",
        "MLflow run",
        "training set",
        "feature views",
        "validation",
        "DVC data",
        "git commit",
        "hops proven",
    ]
    places = [out.index(title) for title in titles]
    assert code == 0
    assert places == sorted(places)
    assert f"git://shop/{COMMIT[:12]}…" in out, "digests are shortened"
    assert COMMIT not in out
    assert "proven (bentoml)" in out
    assert "asserted (approvals)" in out
    assert "5 single files in these folders" in out


def test_a_trace_as_json_holds_whole_digests_and_proof(handrail):
    code, out, _ = handrail("trace", "p1", "--json")

    trace = json.loads(out)
    assert code == 0
    assert (trace["prediction_id"], trace["start"], trace["truncated"]) == ("p1", DEPLOYMENT.uri, False)
    assert trace["sections"][-1]["nodes"][0]["uri"] == f"git://shop/{COMMIT}"
    assert trace["sections"][-1]["nodes"][0]["via"]["proven"] is True
    assert 0 < trace["proven_hops"] < trace["hops"] == len(trace["edges"])
    assert trace["conflicts"] == []


def test_an_impact_ends_in_models_deployments_and_numbers(handrail):
    code, out, _ = handrail("impact", "data/raw/2013-01.csv")

    assert code == 0
    assert VERSION.uri in out
    assert f"{DEPLOYMENT.uri}" in out
    assert "3 predictions" in out


def test_an_impact_as_json(handrail):
    code, out, _ = handrail("impact", "dvc://shop/data/raw/2013-02", "--json")

    impact = json.loads(out)
    assert code == 0
    assert impact["models"] == [VERSION.uri]
    assert impact["predictions"] == {DEPLOYMENT.uri: 3}
    assert impact["total_predictions"] == 3


def test_a_budget_that_ends_the_walk_is_reported_with_the_remedy(handrail):
    assert "node budget ended the walk: raise --max-nodes" in handrail("trace", "p1", "--max-nodes", "2")[1]
    assert "lower bounds" in handrail("impact", "data/raw", "--max-nodes", "2")[1]
    assert "raise --max-nodes" in handrail("export", "p1", "--format", "dot", "--max-nodes", "2")[2]
    assert "max_nodes" in json.loads(handrail("trace", "p1", "--max-nodes", "2", "--json")[1])["remedy"]


def test_filters_show_less_and_say_so(handrail):
    commits = handrail("trace", "p1", "--kind", "git-commit")[1]

    assert f"git://shop/{COMMIT[:12]}…" in commits
    assert "proven (dvc)" in commits
    assert "nodes of other kinds are not shown" in commits
    assert "bento://" not in commits
    assert "deployments" not in handrail("impact", "data/raw/2013-01.csv", "--kind", "bento")[1]
    assert "1 hops" not in handrail("trace", "p1", "--depth", "1")[1]
    assert handrail("trace", "p1", "--depth", "0")[0] == 2
    code, _, err = handrail("trace", "p1", "--kind", "modle")
    assert code == 1
    assert "Reached were:" in err


def test_what_was_reached_is_listed_in_pages(handrail):
    first = json.loads(handrail("impact", "data/raw/2013-01.csv", "--nodes", "--limit", "3", "--json")[1])
    code, out, _ = handrail("impact", "data/raw/2013-01.csv", "--nodes", "--after", first["next"])

    assert len(first["nodes"]) == 3
    assert code == 0
    assert "That is all." in out
    assert first["nodes"][0]["uri"] not in out


def test_one_thing_is_shown_whole(handrail):
    code, out, _ = handrail("show", VERSION.uri)

    assert code == 0
    assert out.startswith(VERSION.uri)
    assert "model-version (artifact)" in out
    assert "direct causes" in out
    assert f"{ALIAS}  2026-11-23T12:00:00+00:00 until now" in out
    assert json.loads(handrail("show", "models:/flights@champion", "--json")[1])["uri"] == VERSION.uri
    assert handrail("show", "no-such-thing")[0] == 1


def test_nothing_that_was_recorded_commands_the_terminal(handrail, home):
    odd = ArtifactVersion("s3://lake/a", "\x1b[2Jtable", None, {"na\x07me": "va\x9b31mlue\n\u202eproven"})
    home.derive(artifact_at("s3://lake/b"), odd)

    shown = [handrail("show", odd.uri), handrail("impact", odd.uri), handrail("impact", odd.uri, "--nodes")]

    assert {code for code, _, _ in shown} == {0}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", "".join(out for _, out, _ in shown))
    assert r"na\x07me: va\x9b31mlue\n\u202eproven" in shown[0][1]


@pytest.mark.parametrize("verb", ["trace", "impact"])
@pytest.mark.parametrize(
    ("ref", "words"), [("no-such-thing", "no-such-thing"), ("data/raw/2013", "several"), ("dvc://shop/x y", "x y")]
)
def test_a_name_that_fits_nothing_or_several_is_one_sentence(handrail, verb, ref, words):
    code, out, err = handrail(verb, ref)

    assert (code, out) == (1, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_a_pointer_answers_as_of_a_moment(handrail):
    code, out, _ = handrail("pointer", ALIAS, "--at", "2026-11-23T12:00Z")
    assert code == 0
    assert out.startswith(f"{ALIAS} -> {VERSION.uri} since 2026-11-23T12:00:00+00:00 by {PERMIT.uri}")

    assert json.loads(handrail("pointer", ALIAS, "--at", "2026-11-24", "--json")[1])["target"] == VERSION.uri
    assert handrail("pointer", ALIAS, "--at", "2026-11-22")[0] == 1
    assert handrail("pointer", ALIAS, "--at", "noon")[0] == 1


def test_findings_are_sentences(handrail, home):
    assert "No digest contradicts another." in handrail("findings")[1]

    home.derive(artifact_at("bento://flights/b9"), artifact_at(PERMIT.uri, "sha256:" + "0" * 64))

    assert "000000000000…" in handrail("findings")[1]
    assert json.loads(handrail("findings", "--json")[1])[0]["uri"] == PERMIT.uri
    assert "was also claimed as" in handrail("trace", "p1")[1]


def test_a_timeline_says_who_allowed_it(handrail):
    code, out, _ = handrail("timeline", "champion")

    assert code == 0
    assert out.startswith(f"{ALIAS} -> {VERSION.uri}  2026-11-23T12:00:00+00:00 until now  by actor://registry/ann")
    (period,) = json.loads(handrail("timeline", "champion", "--at", "2026-11-24", "--json")[1])
    assert (period["target"], period["until"]) == (VERSION.uri, None)
    assert handrail("timeline", "champion", "--at", "2026-11-22")[0] == 1
    assert handrail("timeline", "nothing")[0] == 1
    assert handrail("timeline", "champion", "--at", "noon")[0] == 1


@pytest.mark.parametrize("form", ["prov-json", "openlineage", "mermaid", "dot"])
def test_an_export_goes_to_stdout(handrail, form):
    code, out, _ = handrail("export", "p1", "--format", form)

    assert code == 0
    assert "flights/d1" in out
    assert handrail("export", "data/raw/2013-01.csv", "--format", form, "--towards", "effects")[0] == 0
    assert handrail("export", "no-such-thing", "--format", form)[0] == 1


def test_the_doctor_is_content_with_a_whole_story_and_names_what_breaks_it(handrail, home):
    code, out, _ = handrail("check")
    assert (code, out.splitlines()) == (
        0,
        [
            "Nothing is missing, nothing dangles, nothing contradicts.",
            "Here is no DVC project: files were not compared with anything.",
            "3 of 3 predictions lead back to a commit and to data with a sha256.",
        ],
    )

    home.point("slot", "bento://flights/gone", NOON, by="actor://s/ann")

    code, out, _ = handrail("check")
    assert code == 1
    assert out.startswith("pointer-to-nowhere: 1\n  slot: since 2026-11-23T12:00")
    code, out, _ = handrail("check", "--json")
    assert (code, json.loads(out)["flaws"][0]["kind"]) == (1, "pointer-to-nowhere")


def test_predictions_that_lineage_cannot_explain_are_found(handrail):
    platform = open_platform()
    platform.feedback.record_predictions([Prediction("q", "deploy://local/flights/unknown", "f", NOON, 0.5, 1)])
    platform.close()

    told = json.loads(handrail("check", "--json")[1])
    (flaw,) = told["flaws"]

    assert (flaw["kind"], flaw["subject"]) == ("unlinked-predictions", "deploy://local/flights/unknown")
    assert told["coverage"]["predictions"] - told["coverage"]["traced"] == 1
    assert "predictions lead back to a commit and to data with a sha256." in handrail("check")[1]

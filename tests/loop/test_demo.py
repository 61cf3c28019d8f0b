"""Each numbered step of the demo did what it says, on fewer flights."""

import json
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from handrail.bootstrap import open_platform
from handrail.settings import load_settings
from tests.loop.conftest import git

STEPS = [
    "acquire",
    "validate",
    "features",
    "train",
    "evaluate",
    "package",
    "approve",
    "serve",
    "replay",
    "monitor",
    "retrain",
    "compare",
    "rollout",
    "trace",
    "closing",
]


def test_the_checkout_is_untouched(loop):
    assert (loop.before, loop.after) == ("", "")


def test_every_step_has_its_place_in_the_summary(loop):
    assert loop.first["ok"] is True
    assert [step["name"] for step in loop.first["steps"]] == STEPS
    assert all(step["ok"] and step["wall_s"] >= 0 and step["figures"] for step in loop.first["steps"])


def test_elsewhere_than_on_a_terminal_progress_is_plain_lines(loop):
    assert "\x1b[" not in loop.said
    assert "[ 1/15] Acquire the flights" in loop.said


def test_acquire_brings_what_was_known_at_go_live(loop):
    flights = sorted(file.name for file in (loop.clone / "data" / "raw" / "flights").iterdir())

    assert flights == [f"2013-0{month}.csv" for month in range(1, 8)]
    assert loop.figures("acquire")["flights"] > 190_000


def test_validation_sets_bad_rows_aside_with_their_reasons(loop):
    figures = loop.figures("validate")

    assert figures["expectations"] > 10
    assert figures["quarantined"]["weather"] > 0


def test_every_row_asked_for_got_its_features(loop):
    rows = loop.figures("features")["rows"]
    labels = json.loads((loop.clone / "data" / "training" / "manifest.json").read_text())["labels"]

    assert rows["train"] > 10_000
    assert rows["validate"] > 20_000
    assert labels["snapshot"] == 0


def _first_number(text):
    return float(re.search(r"[+-]?\d+\.\d+", text)[0])


def test_the_model_ranks_well_and_better_than_its_baselines(loop):
    figures = loop.figures("train")
    boosting, logistic = (_first_number(figures[f"{name}_roc_auc"]) for name in ("gradient_boosting", "logistic"))

    assert boosting >= 0.75
    assert boosting > logistic > 0.7
    assert _first_number(figures["prior_roc_auc"]) == 0.5


def test_reviewers_see_slices_and_calibration(loop):
    figures = loop.figures("evaluate")

    assert set(figures["worst_slices"]) == {"carrier", "origin", "hour"}
    assert 0 <= figures["calibration_error"] < 0.2


def test_onnx_and_model_agree_on_every_row(loop):
    figures = loop.figures("package")

    assert figures["max_difference"] <= 1e-5
    assert figures["labels_differ"] == 0
    assert figures["rows_compared"] > 20_000


def test_the_author_is_refused_and_two_people_decide(loop):
    figures = loop.figures("approve")

    assert figures["direct_attempt"].startswith("403 ")
    assert "open a promotion request" in figures["direct_attempt"]
    assert len(figures["approved_by"]) == 2
    assert figures["verdict"] == "promoted"


def test_a_number_that_a_model_does_not_have_is_refused_by_the_name_of_the_level(loop):
    forged = loop.figures("approve")["forged_number"]

    assert re.match(r"evaluation.roc_auc is 0\.\d+, recomputed by the gate; the policy wants at least 0.74", forged)
    assert forged.endswith("0.8 was claimed by ada.")


def test_passwords_are_readable_by_their_owner_alone(loop):
    secrets = list((loop.checkout / ".handrail" / "credentials").iterdir())

    assert {"mlflow-admin.json", "demo-ada.json", "serving-token.json"} <= {file.name for file in secrets}
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets if file.is_file()} == {0o600}
    assert not any(json.loads(file.read_text())["password"] in loop.said for file in secrets if "demo-" in file.name)


def test_altered_bytes_are_refused_by_name(loop):
    refused, of = map(int, re.match(r"(\d+) of (\d+)", loop.figures("serve")["altered_trees_refused"]).groups())

    assert refused == of >= 5


def test_a_permit_is_for_one_use_and_an_edited_log_is_found(loop):
    figures = loop.figures("serve")

    assert "shadow" in figures["other_use_refused"]
    assert "champion" in figures["other_use_refused"]
    assert re.match(r"Leaf \d+ was edited \(decided, pr-[0-9a-f]{20}\)", figures["edited_leaf"])


def test_each_replayed_flight_is_stored_and_outcomes_are_late_twice_corrected_and_missing(loop):
    figures = loop.figures("replay")

    assert figures["days"] >= 2
    assert figures["online_values_unlike_training"].startswith("0 of ")
    assert figures["predictions"] > 130_000
    assert figures["flights"] > 1_000
    assert min(figures[f"outcomes_{fate}"] for fate in ("late", "twice", "corrected", "never", "by_key")) > 0
    assert min(figures["rating_reports"], figures["rebooking_cost_reports"]) > 0


def test_each_month_is_judged_and_autumn_drifts(loop):
    figures = loop.figures("monitor")

    assert list(figures)[:5] == [f"2013-{month:02}" for month in range(8, 13)]
    assert "alert" not in figures["2013-08"]
    assert any("drift alert" in figures[f"2013-{month:02}"] for month in range(9, 13))
    assert figures["all_months_roc_auc"] >= 0.72


def test_a_challenger_of_the_schedule_alone_is_refused_with_reasons(loop):
    figures = loop.figures("retrain")

    assert figures["schedule_only"] == "refused"
    assert "comparison" in figures["schedule_only_because"]
    assert figures["flow_run"].endswith("completed")


def test_both_versions_are_compared_in_shadow_with_a_verdict(loop):
    figures = loop.figures("compare")
    again = loop.run(
        *("handrail", "feedback", "compare", "--kind", "ground_truth", "--metric", figures["metric"], "--json"),
        *("--deployments", figures["champion"], figures["challenger"], "--matters", "0.005", "--unit", "day"),
        *("--as-of", figures["as_of"]),
    )

    assert figures["answer"] in ("better", "worse", "no_difference", "inconclusive")
    assert "  compared   in shadow: " in loop.said
    assert figures["pairs"] > 10_000
    assert "naive peeking" in figures["false_positives"]
    assert again.returncode in (0, 3, 4), again.stderr
    found = json.loads(again.stdout)
    assert (found["answer"], found["pairs"], found["gain"]["value"]) == (
        figures["answer"],
        figures["pairs"],
        pytest.approx(figures["gain"], abs=1e-12),
    )


def test_a_prediction_leads_back_to_a_commit_and_a_file_forward_to_predictions(loop):
    back = json.loads(loop.run("handrail", "lineage", "trace", loop.figures("trace")["prediction"], "--json").stdout)
    kinds = {node["kind"] for node in back["nodes"]}

    assert {"deployment", "bento", "permit", "model-version", "tracking-run", "validation", "git-commit"} <= kinds
    assert loop.figures("trace")["predictions_touched"] > 140_000


def test_every_prediction_traces_to_a_commit_and_a_sha256_of_data(loop):
    told = json.loads(loop.run("handrail", "lineage", "check", "--json").stdout)["coverage"]
    traced, of = (int(each.replace(",", "")) for each in loop.figures("trace")["predictions_that_trace"].split(" of "))

    assert traced == of == told["traced"] == told["predictions"] > 140_000


def test_prefect_keeps_the_months_pages(loop):
    keys = _prefect(loop, "select key from artifact")

    assert {("findings-2013-09",), ("month-2013-12",)} <= set(keys)


def test_an_automation_started_the_retraining(loop):
    created = _prefect(loop, "select created_by from flow_run where deployment_id is not null")

    assert any("AUTOMATION" in str(row) for row in created)


def _prefect(loop, query):
    with closing(sqlite3.connect(loop.checkout / ".handrail" / "prefect" / "prefect.db")) as connection:
        return connection.execute(query).fetchall()


def test_the_demo_ends_with_nineteen_lines(loop):
    lines = loop.said.splitlines()

    assert lines[-19].startswith("The loop is closed: ")
    assert loop.figures("trace")["prediction"] in "".join(lines[-19:])


@pytest.mark.parametrize("tool", ["mlflow", "prefect", "bento", "evidently"])
def test_the_closing_screen_says_where_to_look(loop, tool):
    assert loop.figures("closing")[tool].startswith("http://127.0.0.1:")


@pytest.fixture(scope="module")
def left_open(loop):
    """The request that waits at the end of the demo, as JSON values."""
    settings = load_settings(loop.clone).model_copy(update={"home": loop.checkout / ".handrail"})
    with open_platform(settings) as platform:
        return platform.approvals.request(loop.figures("closing")["open_request"]).to_json()


def test_one_request_stays_open_for_a_person_who_decides_in_a_browser(loop, left_open):
    figures, request = loop.figures("closing"), left_open

    measures = {row["name"]: row for row in request["evaluation"]["cases"]["measures"]}

    assert (request["verdict"], figures["waits_for"]) == ("pending", "cleo")
    assert all(row["met"] for row in request["measures"])
    assert measures["found"]["delta"] > 0 > measures["right"]["delta"]
    assert f"/handrail/requests/{figures['open_request']}" in loop.said


def test_what_is_asked_for_last_was_made_by_the_pipeline_at_its_own_commit(loop, left_open):
    version = f"flights/{left_open['version']}"

    back = json.loads(loop.run("handrail", "lineage", "trace", f"models:/{version}", "--json").stdout)
    forward = loop.run("handrail", "lineage", "impact", "data/raw/flights/2013-03.csv", "--json").stdout
    again = loop.run("handrail", "reproduce", version, "--dry-run", "--json", folder=loop.checkout)

    assert back["missing"] == []
    assert any(uri.endswith(f"/{left_open['version']}") for uri in json.loads(forward)["models"])
    assert again.returncode == 0, again.stderr
    plan = json.loads(again.stdout)
    params = yaml.safe_load(git(Path(plan["repository"]), "show", f"{plan['commit']}:params.yaml"))
    assert params["package"]["threshold"] == pytest.approx(0.35 * 0.7, abs=0.01)
    assert plan["stages"][-1] == "package"
    assert plan["missing"] == []

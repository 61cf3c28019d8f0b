"""What `handrail feedback status` shows of rates, coverage, delays and figures."""

import json

from tests.entrypoints.cli.test_feedback import OUTCOME, PREDICTION, project, run

__all__ = ["project"]


def test_it_shows_coverage_delays_and_both_figures(project):
    run("import", "-", text=json.dumps(PREDICTION) + "\n" + json.dumps(OUTCOME))

    shown = run("status").stdout
    found = json.loads(run("status", "--json").stdout)["health"]["summaries"]
    first, second = (each for each in found if each["kind"] == "ground_truth")

    row = next(line.split() for line in shown.splitlines() if line.split()[:2] == ["ground_truth", "all"])
    assert row[2:] == ["1", "100.0%", "100.0%", "7.5", "7.5", "7.5", "accuracy", "0", "0"]
    assert "orphans ground_truth: 0 of the newest 1 events" in shown
    assert (first["deployment"], second["deployment"]) == (None, PREDICTION["deployment"])
    assert (first["coverage"], first["delay_p90_h"], first["so_far"], first["figure"]) == (1, 7.5, 0, 0)


def test_the_spool_has_no_age_where_nothing_waits(project):
    run("import", "-", text=json.dumps(PREDICTION))

    health = json.loads(run("status", "--json").stdout)["health"]

    assert health["spool"] == {"bytes": 0, "oldest_s": None}
    assert health["recent"]["bounded"] is False

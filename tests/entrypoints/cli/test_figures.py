"""`handrail feedback figures`, as a user types it: any service's predictions, judged and guarded."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from handrail import open_platform
from handrail.entrypoints.cli import build
from handrail.entrypoints.cli.figures import Limits
from handrail.errors import HandrailError, InvalidInput, Unavailable, UnknownReference
from handrail.feedback import Feedback, Figure, Prediction

KINDS = """
version: 1
kinds:
  truth: {maturity_window_hours: 48, values: [0, 1]}
  price: {maturity_window_hours: 1}
"""
DESCRIBED = """
version: 1
name: loans
question: What will the price be?
subject: {{column: id, one: loan, many: loans}}
time: {{event: asked, known: known, day: day, zone: UTC}}
label: {{column: price, kind: {kind}, feedback: price}}
request: {{id: {{type: text, says: id, example: a}}, asked: {{type: moment, says: when, example: "2026-05-01T00:00Z"}}}}
features: {{default: all, sets: {{all: loans_v1}}}}
slices: []
cluster: day
metrics: {{main: rmse, margin: 0.1, limits: {{}}}}
"""
START = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOW = START + timedelta(days=12)
URI = "deploy://prod/loans/7"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "feedback.yaml").write_text(KINDS)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path


def rows(count=40):
    """Predictions over ten days: every third was a default, and the score knows it half of the time."""
    return [
        (
            f"p{n}",
            START + timedelta(hours=6 * n),
            (0.9 if n % 3 == 0 and n % 2 == 0 else 0.2 + n / 1000),
            int(n % 3 == 0),
        )
        for n in range(count)
    ]


def fill(given=None, kind="truth", deployment=URI):
    given = rows() if given is None else given
    with open_platform() as platform:
        platform.feedback.record_predictions(
            [Prediction(name, deployment, f"s-{name}", at, score, int(score > 0.5)) for name, at, score, _ in given]
        )
        platform.feedback.record_feedback(
            [
                Feedback(name, kind, value, "ledger", 0, at + timedelta(hours=1), at + timedelta(hours=1))
                for name, at, _, value in given
                if value is not None
            ]
        )


def run(*words):
    result = CliRunner().invoke(build(), ["feedback", "figures", "--as-of", NOW.isoformat(), *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_only_mature_predictions_with_an_outcome_are_judged(project):
    given = rows()
    fill([(name, at, score, None if number == 4 else value) for number, (name, at, score, value) in enumerate(given)])

    found = json.loads(run("--kind", "truth", "--metric", "roc_auc", "--window", "10d", "--json").stdout)

    counted = [each for number, each in enumerate(given) if each[1] < NOW - timedelta(hours=48) and number != 4]
    assert found["value"] == pytest.approx(roc_auc_score([each[3] for each in counted], [each[2] for each in counted]))
    assert found["low"] < found["value"] < found["high"]
    assert (found["subjects"], found["predictions"], found["clusters"]) == (len(counted), len(counted) + 1, 11)
    assert found["coverage"] == pytest.approx(len(counted) / (len(counted) + 1))
    assert (found["state"], found["deployments"]) == ("ok", [URI])


def test_late_repeated_and_corrected_outcomes_give_the_same_figure_in_any_order(project):
    given = rows()
    fill(given)
    once = run("--kind", "truth", "--metric", "accuracy").stdout
    fill(list(reversed(given)))

    assert run("--kind", "truth", "--metric", "accuracy").stdout == once


@pytest.mark.parametrize(
    ("limit", "code"),
    [(("--at-least", 0.9), 3), (("--at-least", 0.5), 0), (("--at-most", 0.5), 3), (("--at-most", 1), 0)],
)
def test_a_limit_decides_between_ok_and_alert(project, limit, code):
    fill()

    answer = run("--kind", "truth", "--metric", "accuracy", "--window", "10d", *limit)

    assert answer.exit_code == code
    assert ("alert: accuracy is 0.8" in answer.stderr) is (code == 3)


def test_what_waits_for_outcomes_is_estimated_with_how_well_that_did(project):
    score = [n * 7919 % 1000 / 1000 for n in range(400)]
    moments = [START + n * timedelta(minutes=43) for n in range(400)]
    late = [int(n * 104_729 % 997 / 997 < each) for n, each in enumerate(score)]
    fill([(f"p{n}", *row) for n, row in enumerate(zip(moments, score, late, strict=True))])

    found = json.loads(run("--kind", "truth", "--metric", "accuracy", "--json").stdout)["expected"]
    shown = run("--kind", "truth", "--metric", "accuracy").stdout
    none = json.loads(run("--kind", "truth", "--metric", "mae", "--json").stdout)["expected"]

    assert (found["deployment"], found["predictions"] + found["learned_from"], none) == (URI, 400, None)
    assert found["low"] < 0.75 < found["high"]
    assert f"of {found['predictions']} predictions that wait for outcomes" in shown
    assert "how well" in shown
    assert "expected" not in run("--kind", "truth", "--metric", "mae").stdout


def test_a_figure_on_the_limit_itself_is_ok(project):
    fill([(f"p{n}", START + timedelta(hours=n), 0.9, int(n < 5)) for n in range(10)])

    assert run("--kind", "truth", "--metric", "accuracy", "--at-least", 0.5, "--at-most", 0.5).exit_code == 0


def test_with_if_sure_an_interval_that_reaches_the_limit_is_no_alert(project):
    fill()
    figure = json.loads(run("--kind", "truth", "--metric", "accuracy", "--window", "10d", "--json").stdout)
    between, beyond = (figure["value"] + figure["high"]) / 2, figure["high"] + 0.01
    question = ("--kind", "truth", "--metric", "accuracy", "--window", "10d")

    assert run(*question, "--at-least", between).exit_code == 3
    assert run(*question, "--at-least", between, "--if-sure").exit_code == 0
    assert run(*question, "--at-least", beyond, "--if-sure").exit_code == 3


@pytest.mark.parametrize(
    ("low", "high", "limits"), [(-1.0, 0.0, Limits(-0.2, None, None, True)), (0.0, 1.0, Limits(None, 0.2, None, True))]
)
def test_an_interval_that_ends_at_zero_ends_there(low, high, limits):
    middle = (low + high) / 2
    figure = Figure("bias", middle, low, high, 10, 10, 10, 1.0, NOW)

    assert limits.reasons(figure) == []
    assert replace(limits, if_sure=False).reasons(figure) != []


def test_what_is_not_known_holds_no_limit(project):
    fill([(f"p{n}", START, 0.5, None) for n in range(3)])

    answer = run("--kind", "truth", "--metric", "roc_auc", "--window", "30d", "--at-least", 0.7)

    assert answer.exit_code == 3
    assert "roc_auc is not known, wanted is at least 0.7." in answer.stderr


@pytest.mark.parametrize("replayed", [None, "2026-05-13T12:00:00+00:00"])
def test_an_empty_window_says_how_to_choose_another(project, replayed):
    fill()
    if replayed:
        (project / "home" / "replay").mkdir(parents=True)
        (project / "home" / "replay" / "now").write_text(replayed)

    answer = run("--kind", "truth", "--metric", "roc_auc", "--window", "1h", "--as-of", "2026-09-01T00:00Z")

    hint = "with --as-of 2026-05-13T12:00Z." if replayed else "with --as-of MOMENT or a longer --window."
    assert answer.exit_code == 0
    assert hint in answer.stderr


@pytest.mark.parametrize(
    ("kind", "metric", "fits"),
    [
        ("count", "accuracy", False),
        ("count", "poisson_deviance", True),
        ("regression", "poisson_deviance", False),
        ("regression", "roc_auc", False),
        ("regression", "mae", True),
    ],
)
def test_a_metric_that_does_not_fit_the_described_label_is_refused_with_those_that_do(project, kind, metric, fits):
    fill(kind="price")
    (project / "config" / "use_case.yaml").write_text(DESCRIBED.format(kind=kind))

    if fits:
        assert run("--kind", "price", "--metric", metric).exit_code == 0
        return
    with pytest.raises(InvalidInput, match=rf"'{metric}' does not judge a {kind} label, .*Use one of mae, rmse, r2"):
        run("--kind", "price", "--metric", metric)


def test_too_few_known_outcomes_are_an_alert_of_their_own(project):
    fill([(f"p{n}", START, 0.5, n % 2 if n < 6 else None) for n in range(10)])

    answer = run("--kind", "truth", "--metric", "brier", "--coverage-at-least", 0.7)

    assert answer.exit_code == 3
    assert "The outcome of 60.0% is known, wanted is at least 70.0%." in answer.stderr


def test_the_command_gets_the_figures_and_runs_at_an_alert_only(project):
    fill()
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"
    command = f"{sys.executable} -c '{script}' {project}/seen.json"
    question = ("--kind", "truth", "--metric", "accuracy", "--on-alert", command)

    assert run(*question, "--at-least", 0.1).exit_code == 0
    assert not (project / "seen.json").exists()
    assert run(*question, "--at-least", 0.99).exit_code == 3
    seen = json.loads((project / "seen.json").read_text())
    assert (seen["metric"], seen["state"], len(seen["reasons"])) == ("accuracy", "alert", 1)


def test_numbers_and_single_deployments_are_judged_too(project):
    fill([(f"a{n}", START, 10.0 + n, 10.0) for n in range(4)], "price", "deploy://prod/a/1")
    fill([(f"b{n}", START, 10.0, 12.0) for n in range(4)], "price", "deploy://prod/b/1")
    question = ("--kind", "price", "--metric", "mae", "--json", "--deployment")

    values = [json.loads(run(*question, f"deploy://prod/{name}/1").stdout)["value"] for name in "ab"]

    assert values == [pytest.approx(1.5), pytest.approx(2.0)]


@pytest.mark.parametrize(
    ("words", "kind", "sentence"),
    [
        (("--kind", "truht", "--metric", "mae"), UnknownReference, "price, truth"),
        (("--kind", "truth", "--metric", "aur"), InvalidInput, "there is no metric 'aur'"),
        (("--kind", "truth", "--metric", "mae", "--window", "month"), InvalidInput, "'month' is not a length of time"),
        (("--kind", "truth", "--metric", "mae", "--window", "0d"), InvalidInput, "'0d' is not a length of time"),
        (("--kind", "truth", "--metric", "mae", "--zone", "Mars"), InvalidInput, "'Mars' is not a time zone"),
        (("--kind", "truth", "--metric", "mae", "--cluster", "week"), InvalidInput, "Use day, subject or prediction"),
        (("--kind", "truth", "--metric", "mae", "--window", "999999d"), InvalidInput, "before the year 1"),
        (("--kind", "price", "--metric", "roc_auc"), InvalidInput, "it judges labels 0 and 1, and one is 10"),
        (("--kind", "truth", "--metric", "mae", "--at-most", "0", "--on-alert", "'x"), InvalidInput, "is no command"),
        (("--kind", "truth", "--metric", "mae", "--at-most", "0", "--on-alert", "no-such-1"), Unavailable, "started"),
        (("--kind", "truth", "--metric", "mae", "--at-most", "0", "--on-alert", "false"), Unavailable, "exit code 1"),
    ],
)
def test_a_wrong_question_is_one_sentence(project, words, kind, sentence):
    fill()
    fill([("q", START, 1.0, 10.0)], "price")

    with pytest.raises(HandrailError, match=sentence) as raised:
        run(*words)

    assert type(raised.value) is kind


def test_a_window_without_predictions_says_what_newer_ones_wait_for(project):
    fill([("new", NOW - timedelta(hours=1), 0.5, 1)])

    answer = run("--kind", "truth", "--metric", "accuracy")

    assert answer.exit_code == 0
    assert "newer ones still wait for their truth" in answer.stderr

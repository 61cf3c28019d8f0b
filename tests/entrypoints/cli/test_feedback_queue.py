"""Labels worth buying, from the command line: tasks for Label Studio, its export, and figures from it."""

import json
from datetime import timedelta

import pytest

from handrail.clock import parse_moment
from handrail.errors import InvalidInput, Unavailable
from tests.entrypoints.cli.test_feedback import OUTCOME, PREDICTION, lines, project, run  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("project")

MADE = parse_moment(PREDICTION["made_at"])
CHOICES = ("--kind", "ground_truth", "--choice", "yes=1", "--choice", "no=0")


def predicted(number):
    at = MADE + timedelta(minutes=number)
    score = (number % 20) / 20
    return PREDICTION | {
        "prediction_id": f"p{number}",
        "subject": f"order-{number}",
        "made_at": at.isoformat(),
        "score": score,
        "label": int(score >= 0.5),
    }


@pytest.fixture
def tasks(tmp_path):
    """The tasks of a queue over 200 predictions, in their file."""
    run("import", "-", text=lines(*map(predicted, range(200))))
    day = timedelta(days=1)
    span = (
        "--from",
        (MADE - day).isoformat(),
        "--until",
        (MADE + day).isoformat(),
        "--as-of",
        (MADE + day).isoformat(),
    )
    taken = json.loads(run("snapshot", "ground_truth", *span, "--json").stdout)
    file = tmp_path / "tasks.json"
    made = run("queue", "make", taken["digest"], "--most", 60, "--to", file)
    assert made.exit_code == 0, made.stderr
    return file


def exported(file, answer=lambda number: "yes" if number % 20 >= 12 else "no", at="2026-11-30T10:00:00.123Z"):
    """What Label Studio exports of the tasks of a file: one annotation each."""
    found = json.loads(file.read_text())
    for number, task in enumerate(found, 1):
        choice = answer(int(task["data"]["prediction_id"][1:]))
        value = {"choices": [choice]}
        result = [{"type": "choices", "from_name": "c", "to_name": "t", "value": value}]
        task["annotations"] = [
            {"id": number, "was_cancelled": False, "created_at": at, "updated_at": at, "result": result}
        ]
    return found


def written(tmp_path, tasks, name="export.json"):
    file = tmp_path / name
    file.write_text("\ufeff" + json.dumps(tasks))
    return file


def test_tasks_show_what_it_is_about_and_not_what_the_model_answered(tasks):
    found = json.loads(tasks.read_text())

    assert 30 <= len(found) <= 90
    for task in found:
        assert set(task["data"]) == {"prediction_id", "subject", "made_at", "deployment"}
        assert 0 < task["meta"]["propensity"] <= 1
        assert "score" not in json.dumps(task)


def test_answers_are_recorded_once_and_give_figures_over_all(tmp_path, tasks):
    file = written(tmp_path, exported(tasks))

    first, again = (run("queue", "import", file, *CHOICES) for _ in range(2))
    shown = run("queue", "figures", tasks, "--as-of", "2026-12-31")
    figures = json.loads(run("queue", "figures", tasks, "--as-of", "2026-12-31", "--json").stdout)

    count = len(json.loads(tasks.read_text()))
    assert f"{count} answers recorded, 0 known already" in first.stdout
    assert f"0 answers recorded, {count} known already" in again.stdout
    assert [each["name"] for each in figures] == ["accuracy", "base_rate"]
    for figure, truth in zip(figures, (0.9, 0.4), strict=True):
        assert figure["low"] <= truth <= figure["high"]
        assert (figure["answered"], figure["predictions"]) == (count, 200)
    assert f"{count} of {count} drawn predictions have a label, 0 of 200 had one before." in shown.stdout.replace(
        "\n", " "
    )


def test_an_annotation_that_was_changed_supersedes_itself(tmp_path, tasks):
    run("queue", "import", written(tmp_path, exported(tasks, lambda _: "no")), *CHOICES)
    later = exported(tasks, lambda _: "yes", "2026-11-30T11:00:00Z")
    run("queue", "import", written(tmp_path, later), *CHOICES)
    run("queue", "import", written(tmp_path, exported(tasks, lambda _: "no")), *CHOICES)

    figures = json.loads(run("queue", "figures", tasks, "--as-of", "2026-12-31", "--json").stdout)

    assert figures[1]["value"] == pytest.approx(1.0, abs=0.15)


def test_what_was_skipped_says_nothing_and_what_cannot_be_read_is_set_aside(tmp_path, tasks):
    answers = exported(tasks)
    answers[0]["annotations"][0]["was_cancelled"] = True
    answers[1]["annotations"] = []
    answers[2]["annotations"][0]["result"][0]["value"] = {"choices": ["perhaps"]}
    answers[3]["annotations"][0]["result"] = []
    answers[4]["annotations"][0]["updated_at"] = "yesterday"
    del answers[5]["data"]["prediction_id"]
    answers[6]["annotations"] = ["nonsense"]

    result = run("queue", "import", written(tmp_path, answers), *CHOICES)

    assert result.exit_code == 1
    assert f"{len(answers) - 7} answers recorded, 0 known already, 5 in quarantine." in result.stdout
    assert "'perhaps' is no number. Say its value: --choice WORD=1." in result.stderr
    assert "Traceback" not in result.stderr


def test_numbers_and_ratings_are_their_own_value(tmp_path, tasks):
    answers = exported(tasks)[:2]
    for answer, value in zip(answers, ({"number": 1}, {"rating": 0}), strict=True):
        answer["annotations"][0]["result"] = [{"type": "any", "value": value}]

    result = run("queue", "import", written(tmp_path, answers), "--kind", "ground_truth")

    assert "2 answers recorded" in result.stdout


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", "not json"])
def test_a_file_that_holds_no_tasks_is_one_sentence(tmp_path, text):
    file = tmp_path / "tasks.json"
    file.write_text(text)

    for words in (("import", file, *CHOICES), ("figures", file)):
        with pytest.raises(InvalidInput, match="file: it is not"):
            run("queue", *words)


def test_tasks_of_two_queues_or_of_none_are_refused(tmp_path, tasks):
    found = json.loads(tasks.read_text())
    found[0]["meta"]["queue"]["seed"] = "other"
    del found[1]["meta"]

    for rows in (found, found[1:]):
        with pytest.raises(InvalidInput, match="not those of one queue"):
            run("queue", "figures", written(tmp_path, rows))


def test_a_file_that_is_not_there_and_a_choice_without_a_number_are_sentences(tmp_path, tasks):
    with pytest.raises(Unavailable, match="missing.json"):
        run("queue", "figures", tmp_path / "missing.json")
    for choice in ("yes", "yes=true", "=1"):
        with pytest.raises(InvalidInput, match="--choice"):
            run("queue", "import", tasks, "--kind", "ground_truth", "--choice", choice)


def test_before_anybody_labelled_there_is_no_figure(tasks):
    run("import", "-", text=lines(OUTCOME | {"prediction_id": "nobody"}))

    with pytest.raises(InvalidInput, match="0 of .* drawn predictions have a label"):
        run("queue", "figures", tasks, "--as-of", "2026-12-31")


def test_those_whose_truth_never_came_are_asked_about_and_answers_count_with_their_source(tmp_path):
    reported = [OUTCOME | {"prediction_id": f"p{number}", "event_id": f"e{number}"} for number in range(100)]
    run("import", "-", text=lines(*map(predicted, range(200)), *reported))
    span = ("--from", (MADE - timedelta(days=1)).isoformat(), "--until", (MADE + timedelta(days=1)).isoformat())
    late = ("--as-of", "2026-12-31")
    taken = json.loads(run("snapshot", "ground_truth", *span, *late, "--json").stdout)
    tasks = tmp_path / "tasks.json"

    made = run("queue", "make", taken["digest"], "--most", 50, "--to", tasks, "--reason", "never-came")

    found = json.loads(tasks.read_text())
    assert "of 100 predictions past their maturity without a reported label" in made.stdout
    assert all(int(task["data"]["prediction_id"][1:]) >= 100 for task in found)
    assert {task["meta"]["propensity"] for task in found} == {0.5}
    assert found[0]["meta"]["queue"]["reason"] == "never-came"
    run("queue", "import", written(tmp_path, exported(tasks)), *CHOICES)
    figures = json.loads(run("queue", "figures", tasks, *late, "--json").stdout)
    assert [(each["answered"], each["known"]) for each in figures] == [(len(found), 100)] * 2


def test_a_reason_that_is_none_is_one_sentence(tmp_path):
    with pytest.raises(InvalidInput, match="Write one of: unsure, never-came."):
        run("queue", "make", "sha256:a", "--most", 5, "--to", tmp_path / "t.json", "--reason", "bored")

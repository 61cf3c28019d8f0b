"""`handrail feedback erase` and `reviews`: what they print, and which code they end with."""

import io
import json
import sys

import pytest

from handrail.entrypoints.cli import main
from tests.fakes.erased_project import fill, make_project, open_project

WHO, OTHER = "ada@example.com", "bob@example.com"


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("PROJECT", "HOME", "DATABASE_URL"):
        monkeypatch.delenv(f"HANDRAIL_{name}", raising=False)
    folder = make_project(tmp_path / "project")
    monkeypatch.chdir(folder)
    with open_project(folder) as platform:
        fill(platform, [WHO, OTHER, WHO])
    return folder


@pytest.fixture
def handrail(project, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["handrail", "feedback", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_it_says_what_became_of_the_subject_and_that_nothing_is_left(handrail, project):
    code, out, _ = handrail("erase", WHO, "--yes", "--by", "dpo")

    assert code == 0, out
    assert "Erased: 2 predictions, 4 feedback, 1 quarantined." in out
    assert "held 2 of them: use sha256:" in out
    assert f"Written anew: {project / 'exports' / 'labels.parquet'}" in out
    assert out.endswith("Nothing of it is left in the places that were searched.\n")


def test_what_is_left_is_named_and_the_code_is_1(handrail, project):
    (project / "raw").mkdir()
    (project / "raw" / "customers.csv").write_text(WHO)

    code, out, _ = handrail("erase", WHO, "--yes", "--also", "raw")

    assert code == 1
    assert "Still there: raw/customers.csv (plain)" in out
    assert handrail("erase", WHO, "--yes")[0] == 0


def test_it_asks_first(handrail, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    code, _, err = handrail("erase", WHO)

    assert code == 1
    assert "Nothing can restore it." in err
    assert "was here" in handrail("reviews", "p-0")[1]


def test_as_json_it_has_everything(handrail):
    code, out, _ = handrail("erase", WHO, "--yes", "--json")

    said = json.loads(out)
    assert (code, said["clean"], said["left"]) == (0, True, [])
    assert WHO not in out
    assert [each["models"] for each in said["snapshots"]] == [[]]


def test_reviews_are_read_by_prediction_and_by_subject(handrail):
    assert f"{WHO} was here" in handrail("reviews", "p-0")[1]
    assert [each["text"] for each in json.loads(handrail("reviews", OTHER, "--by-subject", "--json")[1])] == [
        f"{OTHER} was here"
    ]
    assert handrail("reviews", "nothing")[1] == "Nothing was written about it.\n"


def test_after_an_erasure_a_review_of_others_is_read_on(handrail):
    handrail("erase", WHO, "--yes")

    assert f"{OTHER} was here" in handrail("reviews", "p-1")[1]
    assert handrail("reviews", "p-0")[1] == "Nothing was written about it.\n"


def test_a_text_is_reported_from_a_shell(handrail):
    code, out, _ = handrail("report", "p-1", "--kind", "review", "--text", "Fine.", "--revision", "1")

    assert (code, out) == (0, "Recorded.\n")
    assert "Fine." in handrail("reviews", "p-1")[1]

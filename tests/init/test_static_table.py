"""A table without a time: is a tumour malignant? Everything about it is in the table that scikit-learn ships."""

from __future__ import annotations

import re

import pytest
from sklearn.datasets import load_breast_cancer

from handrail.scaffold.machinery import machinery
from tests.init.projects import PROGRAMS, Made, make_project, run, texts_of
from tests.loop.conftest import ROOT

FLIGHTS = re.compile(
    r"flight|carrier|airport|airline|tailnum|nycflights|weather|departure|landing|landed", re.IGNORECASE
)


@pytest.fixture(scope="module")
def tumours(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The project for the table, after its demo."""
    folder = tmp_path_factory.mktemp("static")
    table = load_breast_cancer(as_frame=True).frame
    table["diagnosis"] = table.pop("target").map({0: "malignant", 1: "benign"})
    table.to_csv(folder / "cells.csv", index=False)
    return make_project(folder / "tumours", folder / "cells.csv", "--label", "diagnosis")


def test_the_whole_loop_ran(tumours: Made) -> None:
    assert tumours.summary["ok"], tumours.said[-3000:]
    assert [step["name"] for step in tumours.summary["steps"]][-2:] == ["trace", "closing"]
    assert "malignant" in (tumours.folder / "config" / "use_case.yaml").read_text()


def test_its_own_tests_pass(tumours: Made) -> None:
    assert " passed" in run(tumours.folder, "make", "test")


def test_it_holds_the_machinery_byte_for_byte_and_no_word_of_the_reference_project(tumours: Made) -> None:
    names = list(machinery(ROOT))

    assert len(names) > 60
    assert all((tumours.folder / name).read_bytes() == (ROOT / name).read_bytes() for name in names)
    assert set(FLIGHTS.findall(texts_of(tumours.folder))) == set()


def test_months_are_judged_on_what_became_known(tumours: Made) -> None:
    months = {name: line for name, line in tumours.figures("monitor").items() if re.fullmatch(r"\d{4}-\d{2}", name)}

    assert len(months) >= 2
    assert all("ROC-AUC 0.9" in line or "ROC-AUC 1.0" in line for line in months.values())


def test_what_is_written_holds_its_types_and_its_form(tumours: Made) -> None:
    for check in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        run(tumours.folder, str(PROGRAMS / check[0]), *check[1:])

    checked = run(tumours.folder, str(PROGRAMS / "mypy"), "bentos", "feature_repo", "flows", "tests")

    assert re.search(r"no issues found in \d\d+ source files", checked)

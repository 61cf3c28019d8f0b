"""How two runs of MLflow's tests are compared: only what stock passes counts, and each exception has its reason."""

import pytest
import yaml

from infra.ci.mlflow_suite import LISTED, Compared, main, report

STOCK = {"t.py::a": "passed", "t.py::b[1]": "passed", "t.py::c": "failed", "t.py::d": "skipped", "t.py::e": "passed"}
OURS = {"t.py::a": "passed", "t.py::b[1]": "failed", "t.py::c": "failed", "t.py::d": "failed"}


def test_what_stock_passes_and_ours_does_not_is_worse_also_if_it_was_not_run():
    compared = Compared(STOCK, OURS, {})

    assert compared.unexpected == compared.worse == ["t.py::b[1]", "t.py::e"]


def test_a_line_with_a_reason_lets_a_test_fail():
    compared = Compared(STOCK, OURS, {"t.py::b*": "a protected alias", "t.py::a": "nothing"})

    assert compared.unexpected == ["t.py::e"]
    assert compared.needless == ["t.py::a"]
    said = report(compared)
    assert "stock: 3 passed, 1 failed, 1 skipped" in said
    assert "handrail: 1 passed, 3 failed, 0 skipped" in said
    assert "listed, 1: a protected alias" in said
    assert "fails with handrail only: t.py::e" in said


def test_equal_runs_have_nothing_to_say():
    compared = Compared(STOCK, STOCK, {})

    assert compared.worse == []
    assert report(compared).endswith("0 fail with handrail only and are not listed.\n")


@pytest.mark.parametrize("source", [None, "", "/nowhere"])
def test_without_a_checkout_it_says_what_to_name(monkeypatch, capsys, source):
    monkeypatch.delenv("MLFLOW_SOURCE", raising=False)
    if source is not None:
        monkeypatch.setenv("MLFLOW_SOURCE", source)

    assert main([]) == 2
    assert "Name a checkout in MLFLOW_SOURCE" in capsys.readouterr().err


def test_each_listed_line_has_a_reason():
    listed = yaml.safe_load(LISTED.read_text(encoding="utf-8"))

    assert all(isinstance(why, str) and why for why in listed.values())

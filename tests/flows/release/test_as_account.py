"""The error of a child process reaches the caller as the child raised it."""

import json

import pytest

from flows.steps.release import as_account
from handrail.errors import FolderNotEmpty, HandrailError, MissingFile, Refused, Unavailable

LOGIN = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}


def test_an_error_keeps_its_class_and_its_sentence(tmp_path):
    with pytest.raises(MissingFile) as caught:
        as_account.register_package(LOGIN, tmp_path, "flights")

    assert "train.json" in str(caught.value)
    assert "Start the MLflow server" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [Refused("This", ("One.", "Two.")), FolderNotEmpty("work"), HandrailError("It ended.")]
)
def test_every_error_is_made_again_from_one_line(monkeypatch, capsys, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(as_account, "_register", fail)
    as_account.main(["register", "project", "model"])

    again = as_account._error_of(json.loads(capsys.readouterr().out))

    assert (type(again), str(again)) == (type(error), str(error))


def test_a_class_from_elsewhere_keeps_its_sentence():
    again = as_account._error_of({"error": "Elsewhere", "facts": {"a": 1}, "sentence": "It ended."})

    assert (type(again), str(again)) == (HandrailError, "It ended.")


def test_a_child_that_fails_is_shown_by_its_last_line():
    with pytest.raises(Unavailable, match="Downloading: TypeError: _download.*missing") as caught:
        as_account._ask(LOGIN, ["download"], "Downloading")

    assert "server" not in str(caught.value)


def test_a_child_that_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr(as_account, "TIMEOUT_S", 0.05)

    with pytest.raises(Unavailable, match="did not end within 0.05 s .* http://127.0.0.1:9"):
        as_account._ask(LOGIN, ["download", "m", "1", "x"], "Downloading")

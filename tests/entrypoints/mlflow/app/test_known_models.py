"""Registered models are asked for once, and anew after each change of one."""

from types import SimpleNamespace

import pytest

from handrail.entrypoints.mlflow.app.known_models import Known, KnownModels


class Registry:
    def __init__(self):
        self.asked, self.epoch = [], 1

    def read(self, name):
        self.asked.append(name)
        return SimpleNamespace(creation_timestamp=self.epoch, _is_prompt=lambda: name == "greeting")


def test_a_model_is_asked_for_once():
    known, registry = KnownModels(), Registry()

    found = [known.find(name, registry.read) for name in ("churn", "greeting", "churn")]

    assert found == [Known(1, False), Known(1, True), Known(1, False)]
    assert registry.asked == ["churn", "greeting"]


def test_after_a_change_it_is_asked_for_again():
    known, registry = KnownModels(), Registry()
    known.find("churn", registry.read)

    with known.changing():
        registry.epoch = 2

    assert known.find("churn", registry.read).epoch == 2


def test_what_was_read_while_a_model_changed_is_not_kept():
    known, registry = KnownModels(), Registry()

    def read_before_the_change(name):
        model = registry.read(name)
        with known.changing():
            registry.epoch = 2
        return model

    assert known.find("churn", read_before_the_change).epoch == 1
    assert known.find("churn", registry.read).epoch == 2


def test_a_change_that_failed_is_a_change_too():
    known, registry = KnownModels(), Registry()
    known.find("churn", registry.read)

    with pytest.raises(OSError, match="full"), known.changing():
        raise OSError("full")

    known.find("churn", registry.read)
    assert len(registry.asked) == 2

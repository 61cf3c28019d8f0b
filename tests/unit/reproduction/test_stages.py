"""Which stages run again, and in which order."""

from itertools import permutations

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.lineage.domain.locked import LockedFile, LockedStage
from handrail.reproduction.domain.stages import choose_stages, made_by, order_stages, outdated

PIPELINE = {
    "acquire": ((), ("data/raw",)),
    "features": (("data/raw/flights", "params"), ("data/training", "data/tables")),
    "train": (("data/training",), ("models/train",)),
    "evaluate": (("models/train", "data/tables"), ("reports/evaluate.json",)),
    "package": (("models/train", "data/training"), ("models/package",)),
    "other": (("data/raw",), ("models/other",)),
}


def locked(name, inputs=(), outputs=(), md5="0"):
    files = [tuple(LockedFile(path, md5) for path in paths) for paths in (inputs, outputs)]
    return LockedStage(name, f"fingerprint of {name}", "cmd", "{}", *files)


STAGES = [locked(name, *files) for name, files in PIPELINE.items()]


def names(stages):
    return [stage.name for stage in stages]


@pytest.mark.parametrize("held", list(permutations(STAGES[:4])))
def test_a_stage_comes_after_those_that_it_reads_whatever_the_order_of_the_lock(held):
    assert names(order_stages(held)) == ["acquire", "features", "train", "evaluate"]


def test_stages_that_read_each_other_are_refused():
    with pytest.raises(InvalidInput, match="read each other"):
        order_stages([locked("a", ["y"], ["x"]), locked("b", ["x"], ["y"])])


def test_what_judges_the_model_runs_too_and_another_model_does_not():
    assert names(choose_stages(STAGES, "package")) == ["acquire", "features", "train", "evaluate", "package"]


def test_until_ends_at_that_stage():
    assert names(choose_stages(STAGES, "package", "train")) == ["acquire", "features", "train"]
    with pytest.raises(UnknownReference, match="acquire, evaluate"):
        choose_stages(STAGES, "package", "nothing")


def test_a_stage_that_read_other_bytes_than_were_written_last_is_outdated():
    stages = [locked("a", (), ["x"], "1"), locked("b", ["x"], ["y"], "2"), locked("c", ["y"], (), "2")]

    assert outdated(stages) == ("b",)


def test_a_path_in_an_output_is_made_by_its_stage():
    assert made_by(STAGES, "data/raw/flights/2013-01.csv")
    assert made_by(STAGES, "data")
    assert not made_by(STAGES, "data/rawer")

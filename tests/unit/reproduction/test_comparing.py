"""Comparing what two runs of a stage made, file by file."""

import json
from dataclasses import replace

import pytest

from handrail.lineage import LockedFile, LockedStage
from handrail.reproduction.domain.recorded import Recorded
from handrail.reproduction.domain.results import Grade
from handrail.reproduction.service.comparing import GONE, Comparer
from tests.fakes.reproduction import PlainFiles, contents, md5_of

STAGE = LockedStage("train", "f" * 64, "python train.py", "{}", (), ())
MODEL = Recorded("mlflow://test/registered/toys/17/1", "sha256:aa", "models/package", {})


@pytest.fixture
def compare(tmp_path):
    """Compare the outputs of two runs, each given as the text of its files by path."""

    def run(then, now, outputs=("out",), made=None):
        roots = tmp_path / "recorded", tmp_path / "reproduced"
        for root, texts in zip(roots, (then, now), strict=True):
            root.mkdir()
            for path, text in texts.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
        names = outputs, outputs if made is None else made
        runs = [replace(STAGE, outputs=locked(root, paths)) for root, paths in zip(roots, names, strict=True)]
        return Comparer(PlainFiles()).stage(tuple(runs), roots, MODEL, 1e-9)

    return run


def locked(root, paths):
    return tuple(LockedFile(path, md5_of(contents(root / path))) for path in paths)


def number(value):
    return json.dumps({"auc": value})


def test_equal_outputs_are_equal(compare):
    (found,) = compare({"out/a": "1", "out/b": "2"}, {"out/a": "1", "out/b": "2"})

    assert (found.grade, found.detail) == (Grade.BYTES, "")


@pytest.mark.parametrize("more", ["recorded", "reproduced"])
@pytest.mark.parametrize("name", ["a.json", "m.json", "z.json"])
def test_a_file_on_one_side_only_differs_wherever_it_is(compare, more, name):
    both = {"out/b.json": number(0.5), "out/y.json": number(0.5)}
    sides = {"recorded": dict(both), "reproduced": dict(both)}
    sides[more][f"out/{name}"] = number(0.5)

    (found,) = compare(sides["recorded"], sides["reproduced"])

    assert (found.grade, found.detail) == (Grade.DIFFERS, f"{name}: it is there on one side only")


def test_a_file_on_one_side_only_outweighs_one_within_the_tolerance(compare):
    then = {"out/a.json": number(0.5), "out/z.json": number(1)}
    now = {"out/a.json": number(0.5 + 1e-12)}

    (found,) = compare(then, now)

    assert found.grade is Grade.DIFFERS
    assert found.detail == "z.json: it is there on one side only; 1 more of 2 files differ"


def test_files_within_the_tolerance_are_within_it(compare):
    (found,) = compare({"out/a.json": number(0.5)}, {"out/a.json": number(0.5 + 1e-12)})

    assert found.grade is Grade.WITHIN


def test_an_output_that_was_not_made_again_differs(compare):
    first, second = compare({"out/a": "1", "more": "2"}, {"out/a": "1"}, ("out", "more"), ("out",))

    assert first.grade is Grade.BYTES
    assert (second.path, second.reproduced, second.grade) == ("more", GONE, Grade.DIFFERS)


def test_an_output_that_only_the_new_run_made_differs(compare):
    first, second = compare({"out/a": "1"}, {"out/a": "1", "more": "2"}, ("out",), ("out", "more"))

    assert first.grade is Grade.BYTES
    assert (second.path, second.recorded, second.grade) == ("more", GONE, Grade.DIFFERS)
    assert second.reproduced == md5_of({"": b"2"})
    assert second.detail == "the recorded run did not make it"

"""Words and groups of config/use_case.yaml: what they may say, and each mistake with its key."""

from pathlib import Path

import pytest
import yaml

from handrail.errors import Misconfigured
from handrail.use_case import read_use_case
from tests.fakes.parcels import PARCELS

ROOT = Path(__file__).parents[2]
WORDS = {"positive": "came late", "called": "called late", "found": "late ones found", "right": "right calls"}


def _read(folder, **changes):
    (folder / "config").mkdir(exist_ok=True)
    values = yaml.safe_load(PARCELS) | changes
    (folder / "config" / "use_case.yaml").write_text(yaml.safe_dump(values))
    return read_use_case(folder)


def test_both_may_be_left_out(tmp_path):
    case = _read(tmp_path)

    assert (case.words, dict(case.groups)) == (None, {})


def test_this_project_has_both():
    case = read_use_case(ROOT)

    assert case.words.called == "called late"
    assert set(case.groups) == set(case.slices)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"words": {"called": "called late"}}, r"'words\.positive' is missing"),
        ({"words": WORDS | {"found": "x" * 61}}, r"'words\.found'"),
        ({"words": WORDS | {"many": "parcels"}}, r"'words\.many' is unknown"),
        ({"groups": {"moon": {}}}, r"'groups\.moon' is no slice, and 'slices' has"),
        ({"groups": {"SLICE": {"column": "LABEL"}}}, r"'groups\.\w+\.column' is .*the label"),
        ({"groups": {"SLICE": {"words": "from"}}}, r"expected a text with \{value\} in it once"),
        ({"groups": {"SLICE": {"words": "{value} {0}"}}}, r"expected a text with \{value\} in it once"),
        ({"groups": {"SLICE": {"per": 0}}}, r"'groups\.\w+\.per' is 0"),
        ({"groups": {"SLICE": {"edges": [3, 2]}}}, r"'groups\.\w+\.edges\[1\]' is 2, expected a finite number above"),
        ({"groups": {"SLICE": {"edges": [float("nan")]}}}, r"'groups\.\w+\.edges"),
        ({"groups": {"SLICE": {"edges": [1], "per": 60}}}, r"'groups\.\w+\.edges' is there beside 'per'"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_key(tmp_path, changes, words):
    case = yaml.safe_load(PARCELS)
    text = yaml.safe_dump(changes).replace("SLICE", case["slices"][0]).replace("LABEL", case["label"]["column"])

    with pytest.raises(Misconfigured, match=words):
        _read(tmp_path, **yaml.safe_load(text))

"""The panels of what changed since the version before: what is not known is never called the same, or new."""

from dataclasses import replace

import pytest

from handrail.approvals.domain.comparing import compare
from handrail.approvals.domain.sides import Dataset, Making, NamedFeatures, RunFacts, Side, TreeFacts
from handrail.entrypoints.console.request_changed import changed_parts
from handrail.manifest import FileEntry, Manifest

TREE = "sha256:" + "1" * 64
RUN = RunFacts(
    "run-1", {"rate": "0.1"}, "a" * 40, True, (Dataset("training", "t", "md5:" + "1" * 32, 39710),), None, {"wind": 0.5}
)
SAID = TreeFacts(Manifest(()), ("distance", "carrier"), {"numpy": "==1.0"}, NamedFeatures("flights_v1"))
MADE = Making(True, "c" * 40, {"train.until": "2013-07-01"}, {"train.py": "md5:1"})
OLD = Side(1, TREE, Manifest.of([FileEntry(path, 1, "0" * 64) for path in ("MLmodel", "model.bin")]), SAID, RUN, MADE)
NEW = Side(
    3,
    TREE,
    Manifest.of([FileEntry("MLmodel", 1, "0" * 64), FileEntry("model.bin", 2, "5" * 64)]),
    replace(SAID, packages={"numpy": "==1.1"}),
    replace(RUN, datasets=(Dataset("training", "t", "md5:" + "2" * 32, 54247),)),
    replace(MADE, commit="d" * 40, parameters={"train.until": "2013-09-01"}),
)


def _panels(before, after):
    found = changed_parts(compare("pr-1", before, after, []).to_json())
    return found, {part["name"]: part for part in found["parts"]}


def _rows(panel):
    return {row["what"]: (row["before"], row["after"]) for row in (*panel["rows"], *panel["more"])}


def test_each_part_says_what_differs_and_who_says_so():
    found, panels = _panels(OLD, NEW)

    assert (found["title"], found["unknown"]) == ("What changed since the champion", [])
    assert _rows(panels["Data"])["training rows"] == ("39,710", "54,247")
    assert panels["Code"]["sentence"] == "No file of code differs."
    assert _rows(panels["Code"]) == {"commit": ("c" * 40, "d" * 40)}
    assert _rows(panels["Parameters"]) == {"train.until": ("2013-07-01", "2013-09-01")}
    assert (panels["Environment"]["origin"], panels["Environment"]["rows"][0]["after"]) == (
        "recomputed by the server",
        "==1.1",
    )
    # Nobody compares two shortened digests by eye.
    assert "5" * 64 in _rows(panels["Files served"])["model.bin"][1]


def test_a_first_version_has_nothing_before_it():
    found, panels = _panels(None, NEW)

    assert found["title"] == "What it is made of"
    assert _rows(panels["Code"])["commit"] == (None, "d" * 40)
    assert {before for panel in panels.values() for before, _ in _rows(panel).values()} == {None}
    # Beside nothing everything is new: how much there is says more than a list.
    assert (panels["Files served"]["rows"], panels["Files served"]["sentence"]) == ([], "2 files.")
    assert len(panels["Files served"]["more"]) == 2


@pytest.mark.parametrize("side", [Side(1), Side(1, TREE)])
def test_what_is_not_known_is_neither_the_same_nor_new(side):
    _, panels = _panels(side, NEW)

    assert _rows(panels["Data"])["training rows"] == ("not known", "54,247")
    assert _rows(panels["Code"])["commit"] == ("not known", "d" * 40)
    for name, what in (("Code", "files of code"), ("Environment", "packages"), ("Files served", "files")):
        assert panels[name]["sentence"] == f"Which {what} differ is not known."
    assert panels["Features"]["sentence"] == "Which features differ is not known."
    assert panels["Parameters"]["sentence"] == "Which parameters differ is not known."
    assert not panels["Files served"]["rows"]


def test_nothing_asked_is_no_section():
    assert changed_parts(None) is None

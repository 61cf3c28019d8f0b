"""The panels of what changed since the version before: what is not known is never called the same, or new."""

from dataclasses import replace

import pytest

from handrail.approvals.domain.comparing import compare
from handrail.approvals.domain.sides import Dataset, Making, NamedFeatures, RunFacts, Side, TreeFacts
from handrail.entrypoints.console.request_changed import changed_parts, short_change
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


def _folded(panel):
    return {row["what"]: (row["before"], row["after"]) for row in panel["unrecorded"]["rows"]}


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
    # Nobody compares two digests by eye: the later one is there whole, to be copied.
    (file,) = panels["Files served"]["rows"]
    assert (file["after"], file["digest"]) == ("1 → 2 bytes, other content", f"sha256:{'5' * 64}")
    assert panels["Files served"]["sentence"] == "Only model.bin differs; 1 file is the same, byte for byte."


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

    assert not panels["Data"]["rows"] + panels["Code"]["rows"]
    assert panels["Data"]["unrecorded"]["sentence"] == "2 values not recorded for the champion"
    assert _folded(panels["Data"])["training rows"] == ("not known", "54,247")
    assert _folded(panels["Code"])["commit"] == ("not known", "d" * 40)
    for name, what in (("Code", "files of code"), ("Environment", "packages"), ("Files served", "files")):
        assert panels[name]["sentence"] == f"Which {what} differ is not known."
    assert panels["Features"]["sentence"] == "Which features differ is not known."
    assert panels["Parameters"]["sentence"] == "Which parameters differ is not known."
    assert not panels["Files served"]["rows"]


def test_a_parameter_that_one_run_did_not_log_did_not_change():
    before = replace(OLD, making=None, run=replace(RUN, parameters={"rate": "0.1", "depth": "3", "seed": "0"}))
    after = replace(NEW, making=None, run=replace(RUN, parameters={"rate": "0.2"}))

    _, panels = _panels(before, after)

    assert _rows(panels["Parameters"]) == {"rate": ("0.1", "0.2")}
    assert panels["Parameters"]["unrecorded"]["sentence"] == "2 values not recorded for the candidate"
    assert _folded(panels["Parameters"]) == {"depth": ("3", "not known"), "seed": ("0", "not known")}


def test_a_parameter_of_the_pipeline_that_is_new_is_said_to_be_new():
    after = replace(NEW, making=replace(NEW.making, parameters=NEW.making.parameters | {"labels.path": "l.parquet"}))

    _, panels = _panels(OLD, after)

    assert _rows(panels["Parameters"])["labels.path"] == ("none", "l.parquet")
    assert panels["Parameters"]["unrecorded"] is None


def test_a_threshold_is_read_from_the_frozen_files_and_said_in_the_words_of_the_use_case():
    settings = {"threshold": 0.35, "kind": "binary"}
    sides = [replace(side, frozen=replace(SAID, settings=settings)) for side in (OLD, NEW)]
    sides[1] = replace(sides[1], frozen=replace(SAID, settings=settings | {"threshold": 0.24}))

    found = changed_parts(compare("pr-1", *sides, []).to_json(), "called late")

    panel = next(part for part in found["parts"] if part["name"] == "How it answers")
    assert _rows(panel) == {"threshold, from which on a score means “called late”": ("0.35", "0.24")}
    assert (panel["sentence"], panel["origin"]) == ("1 setting the same.", "recomputed by the server")
    (short,) = short_change(found)
    assert short["more"].startswith("threshold, from which on a score means “called late”: 0.35 → 0.24. Only model.bin")
    assert short_change(None) == short_change(changed_parts(compare("pr-1", OLD, NEW, []).to_json())) == []


def test_what_features_weigh_is_folded_and_the_authors_word():
    after = replace(NEW, run=replace(NEW.run, importances={"wind": 0.7}))

    _, panels = _panels(OLD, after)

    panel = panels["Importance of features"]
    assert (panel["rows"], panel["origin"]) == ([], "author’s word")
    assert _rows(panel) == {"wind": ("0.5000", "0.7000 (+0.2000)")}
    assert "wind" not in str(panels["Features"]["rows"])


def test_what_was_not_read_in_time_is_said_apart():
    late = "The run of version 1 was not read in time; it is there when the same is asked again."
    changes = replace(compare("pr-1", OLD, NEW, [late]), unread=(late,))

    found = changed_parts(changes.to_json())

    assert (found["unread"], found["unknown"]) == ([late], [late])


def test_nothing_asked_is_no_section():
    assert changed_parts(None) is None

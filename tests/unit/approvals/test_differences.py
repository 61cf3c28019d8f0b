"""What changed since the champion, from requests of a gate over fakes."""

import json
from dataclasses import replace

import pytest

from handrail.approvals.adapters.described_trees import DescribedTrees
from handrail.approvals.domain.sides import Dataset, Making, NamedFeatures, PipelineData, RunFacts
from handrail.approvals.service.differences import DifferencePorts, Differences
from handrail.errors import Unavailable, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_differences import FakeMakings, FakeRuns, PromptAtOnce
from tests.fakes.approvals_world import World

SIGNATURE = json.dumps([{"name": "distance", "type": "double"}, {"name": "carrier", "type": "string"}])
MLMODEL = json.dumps({"signature": {"inputs": SIGNATURE}}).encode()
OLD = RunFacts(
    "run-1",
    {"learning_rate": "0.05", "trees": "100"},
    "a" * 40,
    True,
    (Dataset("training", "t", "md5:" + "1" * 32, 100),),
    NamedFeatures("flights_v1", "sha256:" + "f" * 64),
    {"distance": 0.5, "carrier": 0.1},
)
NEW = replace(
    OLD,
    run_id="run-2",
    parameters={"learning_rate": "0.1", "trees": "100", "depth": "3"},
    commit="b" * 40,
    datasets=(Dataset("training", "t", "md5:" + "2" * 32, 140),),
    importances={"distance": 0.45, "carrier": 0.3},
)
MADE = Making(
    measured=True,
    commit="c" * 40,
    parameters={"model.learning_rate": "0.05", "train.from": "2013-01-01", "train.until": "2013-07-01"},
    code={"train.py": "md5:1", "clean.py": "md5:2"},
    data={"data/training": PipelineData("sha256:1", 2), "data/raw": PipelineData("sha256:2", 17)},
    digests=frozenset({"md5:" + "1" * 32}),
)
LATER = replace(
    MADE,
    commit="d" * 40,
    parameters={"model.learning_rate": "0.1", "train.from": "2013-01-01", "train.until": "2013-09-01"},
    code={"train.py": "md5:9", "more.py": "md5:3"},
    data={"data/training": PipelineData("sha256:3", 2), "data/raw": PipelineData("sha256:4", 23)},
    digests=frozenset({"md5:" + "2" * 32}),
)


class Story:
    """Version 1 is champion, and version 2 is asked for; both have runs, and pipelines that made them."""

    def __init__(self):
        self.world = World()
        self.runs, self.makings, self.prompt = FakeRuns(), FakeMakings(), PromptAtOnce()
        self.write(1, {"MLmodel": MLMODEL, "requirements.txt": b"numpy==1.0\npandas==2.0\n", "old.bin": b"x"})
        self.first = self.world.promote(1)
        self.world.register(2)
        self.write(2, {"MLmodel": MLMODEL, "requirements.txt": b"numpy==1.1\nscipy==1.0\n", "new.bin": b"y"})
        self.second = self.world.ask(version="2", evidence=EVIDENCE | {"comparison": {"ci_low": 0.01}})
        self.runs.runs = {"run-1": OLD, "run-2": NEW}
        self.makings.makings = {self.tree(self.first): MADE, self.tree(self.second): LATER}

    def write(self, version, files):
        self.world.trees.content[f"/artifacts/1/{version}/model"] = files
        self.world.provenance.record("path", f"/artifacts/1/{version}/model", "ada")

    def tree(self, request_id):
        return self.world.ledger.load(request_id).request.subject.tree_digest

    @property
    def service(self):
        world = self.world
        trees = DescribedTrees(world.copies)
        ports = (world.ledger, world.ledger, world.registry, trees, self.runs, self.makings, self.prompt)
        return Differences(DifferencePorts(*ports))

    def changes(self, request_id=None):
        return self.service.of(request_id or self.second).to_json()


@pytest.fixture
def story():
    return Story()


def _named(rows, key="name"):
    return {row[key]: (row["before"], row["after"], row["origin"]) for row in rows}


def test_it_names_the_version_that_is_replaced_and_its_tree(story):
    assert story.changes()["against"] == {"version": 1, "tree": story.tree(story.first)}


def test_files_and_packages_are_compared_in_the_frozen_trees(story):
    changes = story.changes()

    files = changes["files"]
    assert ([row["path"] for row in files["changed"]], files["same"]) == (["requirements.txt"], 1)
    assert [row["path"] for row in files["added"]] == ["new.bin"]
    assert [row["path"] for row in files["removed"]] == ["old.bin"]
    assert files["added"][0]["after"]["size"] == 1
    assert _named(changes["environment"]["changed"]) == {"numpy": ("==1.0", "==1.1", "recomputed")}
    assert _named(changes["environment"]["added"]) == {"scipy": (None, "==1.0", "recomputed")}
    assert _named(changes["environment"]["removed"]) == {"pandas": ("==2.0", None, "recomputed")}


def test_a_parameter_of_the_stages_is_not_listed_again_by_the_last_part_of_its_name(story):
    parameters = story.changes()["parameters"]

    assert _named(parameters["changed"]) == {
        "model.learning_rate": ("0.05", "0.1", "measured by the pipeline"),
        "train.until": ("2013-07-01", "2013-09-01", "measured by the pipeline"),
        "depth": (None, "3", "author's word"),
    }
    assert (parameters["unchanged"], parameters["origin"]) == (2, "author's word")


def test_a_run_that_was_edited_afterwards_stands_beside_what_its_stages_had(story):
    story.runs.runs["run-2"] = replace(NEW, parameters=NEW.parameters | {"learning_rate": "0.05"})

    changed = _named(story.changes()["parameters"]["changed"])

    assert changed["model.learning_rate"] == ("0.05", "0.1", "measured by the pipeline")
    story.runs.runs["run-2"] = replace(NEW, parameters=NEW.parameters | {"learning_rate": "7"})
    assert _named(story.changes()["parameters"]["changed"])["learning_rate"] == ("0.05", "7", "author's word")


def test_code_is_compared_by_the_files_that_the_stages_ran(story):
    code = story.changes()["code"]

    measured = {"origin": "measured by the pipeline", "known": True}
    assert code["commit"] == {"before": "c" * 40, "after": "d" * 40} | measured
    assert code["clean"] == {"before": True, "after": True} | measured
    assert [row["path"] for row in code["files"]["changed"]] == ["train.py"]
    assert [row["path"] for row in code["files"]["added"]] == ["more.py"]
    assert [row["path"] for row in code["files"]["removed"]] == ["clean.py"]


def test_data_has_rows_windows_digests_and_counts_each_with_its_origin(story):
    data = _named(story.changes()["data"], "what")

    assert data["training rows"] == (100, 140, "author's word")
    assert data["training set"] == ("md5:" + "1" * 32, "md5:" + "2" * 32, "measured by the pipeline")
    assert data["train window"][:2] == ("2013-01-01 until 2013-07-01", "2013-01-01 until 2013-09-01")
    assert data["files in data/raw"] == (17, 23, "measured by the pipeline")
    assert data["data/raw"] == ("sha256:2", "sha256:4", "measured by the pipeline")


def test_a_set_of_rows_that_no_stage_made_is_the_authors_word(story):
    story.runs.runs["run-2"] = replace(NEW, datasets=(Dataset("training", "t", "md5:" + "9" * 32, 140),))

    assert _named(story.changes()["data"], "what")["training set"][2] == "author's word"


def test_features_and_what_they_weigh_the_largest_move_first(story):
    features = story.changes()["features"]

    assert (features["added"], features["removed"], features["same"]) == ([], [], 2)
    assert features["count"] == {"before": 2, "after": 2, "origin": "recomputed", "known": True}
    assert [(row["name"], row["change"]) for row in features["importances"]] == [("carrier", 0.2), ("distance", -0.05)]
    assert features["service"]["after"] == {"name": "flights_v1", "digest": "sha256:" + "f" * 64}


@pytest.mark.parametrize("side", ["first", "second"])
def test_one_side_that_is_not_proven_makes_all_of_it_the_authors_word(story, side):
    tree = story.tree(getattr(story, side))
    story.makings.makings[tree] = replace(story.makings.makings[tree], measured=False)

    changes = story.changes()

    assert changes["code"]["commit"]["origin"] == "author's word"
    assert {row["origin"] for row in changes["data"]} == {"author's word"}
    assert {row["origin"] for row in changes["parameters"]["changed"]} == {"author's word"}


def test_a_first_promotion_lists_its_own_facts(story):
    changes = story.changes(story.first)

    assert changes["against"] == {"version": None, "tree": None}
    assert [row["path"] for row in changes["files"]["added"]] == ["MLmodel", "old.bin", "requirements.txt"]
    assert _named(changes["parameters"]["changed"])["trees"] == (None, "100", "author's word")
    assert changes["features"]["added"] == ["carrier", "distance"]
    assert changes["code"]["commit"]["after"] == "c" * 40
    assert changes["unknown"] == []


def test_everything_that_is_not_known_is_named(story):
    story.runs.runs["run-1"] = RunFacts("run-1")
    story.makings.makings.clear()
    story.world.copies.kept.pop(story.tree(story.first))

    changes = story.changes()

    words = "\n".join(changes["unknown"])
    for part in ("copy of version 1 could not be read", "packages of version 1", "commit of version 1"):
        assert part in words
    for part in ("training data of version 1", "No importances of features were logged with version 1"):
        assert part in words
    assert words.count("Lineage knows no pipeline that made version") == 2
    # The permit of the champion still lists its files.
    assert [row["path"] for row in changes["files"]["removed"]] == ["old.bin"]
    assert changes["environment"]["known"] == {"before": False, "after": True}
    assert changes["environment"]["added"] == []


def test_what_cannot_be_read_ends_in_a_sentence_and_the_rest_stands(story):
    story.runs.fail_with = Unavailable("MLflow's store", "it is locked", "See the server's log.")
    story.makings.fail_with = Unavailable("Lineage", "it is gone", "Try again.")

    changes = story.changes()

    assert "The run of version 2 could not be read: MLflow's store: it is locked" in "\n".join(changes["unknown"])
    assert [row["path"] for row in changes["files"]["added"]] == ["new.bin"]
    assert changes["parameters"] | {"origin": ""} == {
        "changed": [],
        "unchanged": 0,
        "origin": "",
        "known": {"before": False, "after": False},
        "left_out": 0,
    }


def test_what_takes_long_is_named_and_nobody_waits(story):
    story.prompt.slow = {"making"}

    changes = story.changes()

    late = "The lineage of version 1 was not read in time; it is there when the same is asked again."
    assert [late, late.replace("1", "2")] == changes["unknown"] == changes["unread"]
    assert _named(changes["parameters"]["changed"])["learning_rate"] == ("0.05", "0.1", "author's word")
    assert changes["code"]["commit"]["after"] == "b" * 40


def test_what_a_run_does_not_say_is_not_called_none(story):
    story.runs.runs["run-1"] = RunFacts("run-1")
    story.makings.makings.pop(story.tree(story.first))

    changes = story.changes()

    assert changes["code"]["commit"] | {"origin": ""} == {
        "before": None,
        "after": "d" * 40,
        "origin": "",
        "known": False,
    }
    data = {row["what"]: row for row in changes["data"]}
    assert (data["training rows"]["before"], data["training rows"]["known"]) == (None, False)
    assert (data["data/raw"]["before"], data["data/raw"]["known"]) == (None, False)


def test_a_champion_that_is_gone_from_the_registry_is_named(story):
    del story.world.registry.versions["flights", 1]

    assert any("The run of version 1 could not be read" in sentence for sentence in story.changes()["unknown"])


def test_a_champion_that_was_made_again_lends_no_run(story):
    story.world.registry.versions["flights", 1] = story.world.register(1, epoch=9)

    changes = story.changes()

    assert any("The run of version 1 could not be read" in sentence for sentence in changes["unknown"])


def test_the_run_that_was_asked_about_counts_not_the_one_that_the_version_names_now(story):
    story.world.registry.versions["flights", 2] = replace(story.world.registry.versions["flights", 2], run_id="run-1")

    assert _named(story.changes()["parameters"]["changed"])["depth"] == (None, "3", "author's word")


def test_long_lists_and_long_texts_are_cut_and_say_so(story):
    many = {f"p{number:05}": "x" * 5000 for number in range(3000)}
    story.runs.runs["run-2"] = replace(NEW, parameters=many)

    changes = story.changes()

    assert len(changes["parameters"]["changed"]) == 100
    assert changes["parameters"]["left_out"] == 3000 + 4 - 100
    assert changes["parameters"]["changed"][50]["after"].endswith("… (5,000 characters)")
    assert len(json.dumps(changes)) < 100_000


def test_an_unknown_request_is_refused(story):
    with pytest.raises(UnknownReference):
        story.changes("pr-none")

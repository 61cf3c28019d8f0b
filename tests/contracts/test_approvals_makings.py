"""`Makings`: the same promises by the fake and by the lineage plugin, also over its real store."""

from dataclasses import replace
from pathlib import Path

import pytest

from handrail.approvals.difference_ports import Makings
from handrail.approvals.domain.sides import Making, NamedFeatures, PipelineData
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals_makings import ReadMakings
from handrail.errors import Unavailable
from handrail.lineage import artifact_at, snapshot_uri, tree_digest
from handrail.settings import Settings
from tests.fakes.approvals_differences import FakeMakings
from tests.fakes.lineage import COMMIT, DEPLOYMENT, MODEL, RAW, STAGES, TRAINING, open_in_memory, story

TREE = tree_digest(MODEL.members, MODEL.path)
PARAMETERS = '{"params.yaml": {"train": {"from": "2013-01-01", "until": null}, "rate": 0.05}, "more.yaml": {"a": [1]}}'
SAID = tuple(replace(stage, parameters=PARAMETERS) if stage.name == "train" else stage for stage in STAGES)
MADE = Making(
    measured=True,
    commit=COMMIT,
    parameters={"train.from": "2013-01-01", "rate": "0.05", "more.yaml:a": "[1]"},
    code={f"flows/steps/{stage.name}.py": f"md5:{len(stage.name):032x}" for stage in STAGES},
    data={
        "data/raw": PipelineData(f"sha256:{1:064x}", 2),
        "data/validated": PipelineData(f"sha256:{4:064x}", 1),
        "data/training": PipelineData(f"sha256:{7:064x}", 1),
    },
    service=NamedFeatures("flights_v1", "sha256:" + "aa" * 32),
)


def made(makings: Makings, digest: str = TREE) -> Making:
    """Return how a tree was made, which is known."""
    found = makings.made(digest)
    assert found is not None
    return found


class Memory:
    """The fake."""

    def __init__(self):
        self.makings = FakeMakings()
        self.makings.makings[TREE] = MADE

    def break_down(self):
        self.makings.fail_with = Unavailable("Lineage cannot be read", "it is gone", "Try again.")


class Graph:
    """Lineage over a graph in memory."""

    def __init__(self, stages=SAID):
        self.lineage = open_in_memory(stages=stages)
        for call in story(Path())[:3]:
            call(self.lineage)
        self.broken = False
        self.makings = ReadMakings(self.open)

    def open(self):
        if self.broken:
            raise Unavailable("Lineage cannot be read", "it is gone", "Try again.")
        return self.lineage

    def break_down(self):
        self.broken = True


@pytest.fixture(params=[Memory, Graph])
def world(request):
    return request.param()


def test_a_tree_is_known_by_the_stages_that_wrote_it(world):
    found = made(world.makings)

    assert replace(found, digests=frozenset()) == MADE


def test_other_files_are_not_known(world):
    assert world.makings.made("sha256:" + "0" * 64) is None


def test_lineage_that_cannot_be_read_says_so(world):
    world.break_down()

    with pytest.raises(Unavailable):
        world.makings.made(TREE)


def test_the_digests_of_the_data_are_known_file_by_file():
    digests = made(Graph().makings).digests

    assert {f"md5:{RAW.members[0].md5}", f"sha256:{RAW.members[0].sha256}", f"md5:{TRAINING.md5}"} <= digests
    assert f"md5:{MODEL.md5}" not in digests


def test_code_that_is_not_in_the_commit_makes_it_the_authors_word():
    train = SAID[-1]
    changed = replace(train, code=tuple(replace(file, in_commit=False) for file in train.code))

    assert made(Graph((*SAID[:-1], changed)).makings).measured is False


def test_a_tree_that_another_source_says_the_pipeline_made_is_the_authors_word():
    lineage = open_in_memory(stages=SAID)
    story(Path())[0](lineage)
    digest = "sha256:" + "c" * 64
    claimed = artifact_at("tree://sha256/" + "c" * 64, digest)
    folder = next(node for node in lineage.trace(f"tree://sha256/{TREE[7:]}").nodes if node.uri.startswith("dvc://"))
    lineage.derive(claimed, artifact_at(folder.uri), asserted_by="somebody", agreed=digest)

    found = made(ReadMakings(lambda: lineage), digest)

    assert (found.measured, found.commit) == (False, COMMIT)


def test_what_served_before_is_no_part_of_how_a_later_model_was_made():
    """Outcomes lead from a later training set to the deployment, and so to how the champion was made."""
    world = Graph()
    for call in story(Path())[3:]:
        call(world.lineage)
    later = "sha256:" + "d" * 64
    snapshot = artifact_at(snapshot_uri("store", "sha256:" + "e" * 64), "sha256:" + "e" * 64)
    labels = artifact_at("dvc://shop/data/labels.parquet@" + "5" * 32, "md5:" + "5" * 32)
    world.lineage.record_snapshot(snapshot, deployments=[DEPLOYMENT], labels=labels)
    world.lineage.derive(artifact_at(f"tree://sha256/{later[7:]}", later), labels)

    assert world.makings.made(later) is None


def test_two_runs_of_one_stage_that_wrote_the_same_leave_their_parameters_out():
    first, again = (replace(SAID[0], parameters=f'{{"params.yaml": {{"as_of": "{year}"}}}}') for year in (2013, 2014))
    world = Graph((first, *SAID[1:]))
    other = open_in_memory(stages=(replace(again, fingerprint="f" * 64), *SAID[1:]))
    story(Path())[0](other)
    world.lineage.record(other.recorded([node.uri for node in other.trace(f"tree://sha256/{TREE[7:]}").nodes]))

    found = made(world.makings)

    assert found.doubts == (
        "Lineage knows 2 runs of the stage acquire that wrote the same; their parameters are left out.",
    )
    assert "as_of" not in found.parameters


@pytest.mark.parametrize("hostile", ["{", "[1]", '{"params.yaml": 7}', '{"params.yaml": ' + "[" * 5000])
def test_parameters_that_are_none_break_nothing(hostile):
    stages = (*SAID[:-1], replace(SAID[-1], parameters=hostile))

    assert "rate" not in made(Graph(stages).makings).parameters


def test_the_real_store_gives_the_same_answer(tmp_path):
    facts = Graph().lineage
    nodes = [node.uri for node in facts.trace(f"tree://sha256/{TREE[7:]}").nodes]
    with open_platform(Settings(project=tmp_path, home=tmp_path / "home")) as platform:
        platform.lineage.record(facts.recorded(nodes))

        assert ReadMakings(lambda: platform.lineage).made(TREE) == Graph().makings.made(TREE)

"""`LineageTraces`: the same promises by the fake and by the lineage plugin, also over its real store."""

from pathlib import Path

import pytest

from handrail.approvals.domain.subject import Candidate
from handrail.approvals.domain.tracing import COMPLETE, MOST_SHOWN
from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals_lineage import ReadTraces
from handrail.errors import Unavailable
from handrail.lineage import artifact_at, tree_digest
from handrail.settings import Settings
from tests.fakes.approvals_evidence import FakeTraces
from tests.fakes.lineage import MODEL, RUN, VERSION, open_in_memory, story

TREE = tree_digest(MODEL.members, MODEL.path)
KNOWN = Candidate(VERSION.name, VERSION.epoch, VERSION.version, 1, "/artifacts/1")
SERVER = VERSION.uri.removeprefix("mlflow://").partition("/")[0]


class Memory:
    """The fake."""

    def __init__(self, _folder):
        self.traces = FakeTraces()
        self.traces.gaps[KNOWN.version + 1] = ("Lineage knows nothing of it.",)
        self.traces.trees[KNOWN.version] = TREE

    def read_without_digest(self, number):
        self.traces.gaps[KNOWN.version] = tuple(f"s3://lake/{n:02} has no sha256 or md5." for n in range(number))

    def break_down(self):
        self.traces.fail_with = Unavailable("Lineage cannot be read", "it is gone", "Try again.")


class Graph:
    """Lineage over a graph in memory."""

    def __init__(self, _folder):
        self.lineage = self.opened()
        for call in story(Path())[:3]:
            call(self.lineage)
        self.broken = False
        self.traces = ReadTraces(SERVER, self.open)

    def opened(self):
        return open_in_memory()

    def open(self):
        if self.broken:
            raise Unavailable("Lineage cannot be read", "it is gone", "Try again.")
        return self.lineage

    def read_without_digest(self, number):
        self.lineage.record_tracking_run(RUN, used=[artifact_at(f"s3://lake/{n:02}") for n in range(number)])

    def break_down(self):
        self.broken = True


@pytest.fixture(params=[Memory, Graph])
def world(request, tmp_path):
    return request.param(tmp_path)


def test_a_known_pipeline_is_complete(world):
    traced = world.traces.traced(KNOWN, TREE)

    assert (traced.gaps, traced.examples, traced.bound, traced.contradicts_itself) == (0, (), COMPLETE, False)


def test_the_same_facts_give_the_same_answer(world):
    assert world.traces.traced(KNOWN, TREE) == world.traces.traced(KNOWN, TREE)


def test_a_version_that_lineage_does_not_know_has_a_gap(world):
    other = Candidate(KNOWN.model, KNOWN.epoch, KNOWN.version + 1, 1, "/artifacts/2")

    assert world.traces.traced(other, TREE).gaps == 1


def test_other_files_have_a_gap(world):
    assert world.traces.traced(KNOWN, "sha256:" + "0" * 64).gaps == 1


@pytest.mark.parametrize("number", [1, MOST_SHOWN, MOST_SHOWN + 3])
def test_each_gap_counts_and_the_first_are_shown(world, number):
    world.read_without_digest(number)

    traced = world.traces.traced(KNOWN, TREE)
    assert (traced.gaps, len(traced.examples)) == (number, min(number, MOST_SHOWN))
    assert traced.examples[0] == "s3://lake/00 has no sha256 or md5."
    assert traced.bound.startswith("sha256:")


def test_lineage_that_cannot_be_read_says_so(world):
    world.break_down()

    with pytest.raises(Unavailable):
        world.traces.traced(KNOWN, TREE)


def test_the_real_store_gives_the_same_answer(tmp_path):
    with open_platform(Settings(project=tmp_path, home=tmp_path / "home")) as platform:
        traces = ReadTraces(SERVER, lambda: platform.lineage)
        assert traces.traced(KNOWN, TREE).examples == (f"Lineage knows nothing of {VERSION.uri}.",)

        platform.lineage.record_registration(VERSION, tree_digest=TREE, run=RUN)

        assert traces.traced(KNOWN, TREE).gaps == 4

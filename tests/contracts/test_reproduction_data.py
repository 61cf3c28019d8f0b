"""The promises of `DataSource`, kept by DVC and by the fake."""

import pytest

from handrail.errors import InvalidInput
from handrail.lineage import LockedFile
from handrail.reproduction.adapters.dvc_data import DvcData
from tests.fakes.reproduction import FakeData, md5_of

TRACKED = {"": b"x,y\n1,2\n"}
FOLDER = {"2013/01.csv": b"january", "2013/02.csv": b"february"}
INPUT = LockedFile("data/input.csv", md5_of(TRACKED))
LOST = LockedFile("data/lost.csv", "f" * 32)


def put(place, content, ending=""):
    md5 = md5_of({"": content}) + ending
    file = place / "files" / "md5" / md5[:2] / md5[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


class Memory:
    """One remote in memory."""

    def __init__(self, folder):
        self.project = folder / "clone"
        self.source = FakeData({INPUT.md5: TRACKED}, (INPUT,))


class Dvc:
    """A clone with a `.dvc` file, and a remote in a folder beside its origin."""

    def __init__(self, folder):
        self.project, origin, remote = folder / "clone", folder / "origin", folder / "remote"
        for place in (self.project, origin):
            (place / ".dvc").mkdir(parents=True)
            settings = f"[core]\n    remote = store\n    no_scm = true\n['remote \"store\"']\n    url = {remote}\n"
            (place / ".dvc" / "config").write_text(settings)
        (self.project / "data").mkdir()
        (self.project / "data" / "input.csv.dvc").write_text(
            f"outs:\n- md5: {INPUT.md5}\n  size: {len(TRACKED[''])}\n  hash: md5\n  path: input.csv\n"
        )
        put(remote, TRACKED[""])
        self.source = DvcData()
        self.places = self.source.connect(self.project, origin)


@pytest.fixture(params=[Memory, Dvc])
def world(request, tmp_path):
    found = request.param(tmp_path)
    found.places = found.source.connect(found.project, tmp_path / "origin")
    return found


def test_what_a_commit_tracks_is_named_with_its_md5(world):
    assert world.source.tracked(world.project) == (INPUT,)


def test_what_is_near_is_known_without_fetching(world):
    found = world.source.near(world.project, world.places, [INPUT, LOST])

    assert found.missing == (LOST,)


def test_fetched_data_is_copied_where_it_belongs(world):
    found = world.source.fetch(world.project, world.places, [INPUT])
    world.source.restore(world.project, INPUT, world.project / INPUT.path)

    assert (found.missing, found.size) == ((), len(TRACKED[""]))
    assert (world.project / INPUT.path).read_bytes() == TRACKED[""]


def test_what_no_place_holds_is_returned_as_missing(world):
    assert world.source.fetch(world.project, world.places, [LOST]).missing == (LOST,)


def test_a_path_that_leads_out_of_the_project_is_refused(world, tmp_path):
    world.source.fetch(world.project, world.places, [INPUT])
    outside = LockedFile("../stolen", INPUT.md5)

    with pytest.raises(InvalidInput):
        world.source.restore(world.project, outside, world.project / outside.path)
    assert not (tmp_path / "stolen").exists()

"""Recorded data is laid into the clone, and nowhere else whatever a commit or a remote names."""

import hashlib
import json

import pytest

from handrail.errors import InvalidInput
from handrail.lineage.domain.locked import MD5, MD5_OF_TEXT, LockedFile
from handrail.reproduction.adapters.dvc_data import DvcData


@pytest.fixture
def project(tmp_path):
    return tmp_path / "clone"


def cached(project, content, ending=""):
    md5 = hashlib.md5(content).hexdigest() + ending
    file = project / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return md5


def a_folder(project, inner):
    rows = [{"md5": cached(project, b"1"), "relpath": inner}]
    return cached(project, json.dumps(rows).encode(), ".dir")


@pytest.mark.parametrize("path", ["data/raw", "data/../raw"])
def test_a_folder_is_laid_where_it_belongs(project, path):
    file = LockedFile(path, a_folder(project, "2013/01.csv"))

    DvcData().restore(project, file, project / path)

    assert (project / path / "2013" / "01.csv").read_bytes() == b"1"


@pytest.mark.parametrize("inner", ["../../../stolen", "/tmp/stolen", "a/../../stolen"])
def test_a_file_that_climbs_out_of_its_folder_is_refused(project, tmp_path, inner):
    file = LockedFile("data/raw", a_folder(project, inner))

    with pytest.raises(InvalidInput, match="out of its folder"):
        DvcData().restore(project, file, project / file.path)

    assert not list(tmp_path.rglob("stolen"))


@pytest.mark.parametrize("path", ["../stolen", "data/../../stolen"])
def test_an_output_outside_the_project_is_refused(project, tmp_path, path):
    file = LockedFile(path, cached(project, b"1"))

    with pytest.raises(InvalidInput, match="out of its folder"):
        DvcData().restore(project, file, project / path)

    assert not list(tmp_path.rglob("stolen"))


def checkout(folder, settings=""):
    """Make a DVC project with these settings, without git."""
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc" / "config").write_text(f"[core]\n    no_scm = true\n{settings}")
    return folder


def keep(cache, content, hash_name=MD5, ending=""):
    """Put an object into a cache, where DVC keeps it; return its hash."""
    counted = content.replace(b"\r\n", b"\n") if hash_name == MD5_OF_TEXT else content
    md5 = hashlib.md5(counted).hexdigest() + ending
    file = (cache / "files" / "md5" if hash_name == MD5 else cache) / md5[:2] / md5[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return md5


def keep_folder(cache, hash_name):
    rows = [{"md5": keep(cache, b"a\r\n1\r\n", hash_name), "relpath": "in/a.csv"}]
    return LockedFile("set", keep(cache, json.dumps(rows).encode(), hash_name, ".dir"), hash_name)


AWAY = "['remote \"store\"']\n    url = s3://nowhere/at/all\n"


@pytest.mark.parametrize("hash_name", [MD5, MD5_OF_TEXT])
@pytest.mark.parametrize("settings", ["", AWAY, f"    remote = store\n{AWAY}"], ids=["none", "other", "default"])
def test_a_cache_that_holds_every_byte_needs_no_remote(tmp_path, settings, hash_name):
    project, origin = checkout(tmp_path / "clone", settings), checkout(tmp_path / "origin", settings)
    folder = keep_folder(origin / ".dvc" / "cache", hash_name)
    data = DvcData()

    places = data.connect(project, origin)
    found = data.fetch(project, places, [folder])
    data.restore(project, folder, project / "set")

    assert data.near(project, places, [folder]).missing == found.missing == ()
    assert found.message == ""
    assert (project / "set" / "in" / "a.csv").read_bytes() == b"a\r\n1\r\n"


def test_a_cache_elsewhere_is_found(tmp_path):
    project = checkout(tmp_path / "clone")
    origin = checkout(tmp_path / "origin", "[cache]\n    dir = ../../shared\n")
    folder = keep_folder(tmp_path / "shared", MD5)
    data = DvcData()

    assert data.fetch(project, data.connect(project, origin), [folder]).missing == ()


def test_a_neighbours_cache_is_used_too(tmp_path):
    project, origin, neighbour = (checkout(tmp_path / name) for name in ("clone", "origin", "neighbour"))
    folder = keep_folder(neighbour / ".dvc" / "cache", MD5)
    data = DvcData([neighbour])

    assert data.fetch(project, data.connect(project, origin), [folder]).missing == ()


def test_an_object_with_other_bytes_than_its_name_says_is_not_taken(tmp_path):
    project, origin = checkout(tmp_path / "clone"), checkout(tmp_path / "origin")
    file = LockedFile("a.csv", keep(origin / ".dvc" / "cache", b"right"))
    (found,) = (origin / ".dvc" / "cache").rglob(file.md5[2:])
    found.write_bytes(b"wrong")
    data = DvcData()

    assert data.fetch(project, data.connect(project, origin), [file]).missing == (file,)


def test_one_file_that_is_nowhere_keeps_no_other_from_coming(tmp_path):
    project, origin = checkout(tmp_path / "clone"), checkout(tmp_path / "origin")
    here = LockedFile("a.csv", keep(origin / ".dvc" / "cache", b"here"))
    lost = LockedFile("b.csv", "0" * 32)
    data = DvcData()

    assert data.fetch(project, data.connect(project, origin), [lost, here]).missing == (lost,)


def test_settings_that_cannot_be_read_are_one_sentence(tmp_path):
    project, origin = checkout(tmp_path / "clone"), checkout(tmp_path / "origin")
    (origin / ".dvc" / "config").write_text("[core\n")

    with pytest.raises(InvalidInput, match="restore it with git"):
        DvcData().connect(project, origin)

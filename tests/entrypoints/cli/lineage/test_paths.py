"""A path that is typed in a shell: from any folder of the project, absolute, and in the version that is on disk."""

import hashlib

import pytest

from handrail.bootstrap import open_platform
from handrail.lineage.domain.names import artifact_at
from handrail.refs import DataVersion
from tests.fakes.command import handrail_command

OLD, NEW, NOT_RECORDED = (hashlib.md5(text).hexdigest() for text in (b"old", b"new", b"other"))
PATH = "features/data/telemetry.csv"


def uri(md5):
    return DataVersion("cafe", PATH, md5).uri


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "features" / "data").mkdir(parents=True)
    (tmp_path / PATH).write_bytes(b"old")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "cafe")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def recorded(project):
    def recorded(*versions):
        with open_platform() as platform:
            for md5 in versions:
                model = artifact_at(f"tree://sha256/{hashlib.sha256(md5.encode()).hexdigest()}")
                platform.lineage.derive(model, artifact_at(uri(md5)))

    return recorded


@pytest.fixture
def impact(monkeypatch, capsys):
    return handrail_command(monkeypatch, capsys, "lineage", "impact")


@pytest.mark.parametrize(
    ("folder", "typed"),
    [
        (".", PATH),
        (".", f"./{PATH}"),
        ("features", "data/telemetry.csv"),
        ("features/data", "telemetry.csv"),
        ("features", f"../{PATH}"),
        ("features", PATH),
    ],
)
def test_a_path_is_found_from_any_folder_of_the_project(project, recorded, impact, monkeypatch, folder, typed):
    recorded(OLD)
    monkeypatch.chdir(project / folder)

    code, out, err = impact(typed, "--json")

    assert (code, err) == (0, "")
    assert uri(OLD) in out


@pytest.mark.parametrize("exists", [True, False])
def test_an_absolute_path_is_found_even_where_the_file_is_gone(project, recorded, impact, exists):
    recorded(OLD)
    if not exists:
        (project / PATH).unlink()

    code, out, _ = impact(project / PATH, "--json")

    assert code == 0
    assert uri(OLD) in out


def test_of_several_versions_the_one_on_disk_is_meant_and_named(project, recorded, impact):
    recorded(OLD, NEW)

    code, out, err = impact(PATH, "--json")

    assert code == 0
    assert uri(OLD) in out
    assert uri(NEW) not in out
    assert f"{PATH} has 2 recorded versions; this is about the one on disk now, @{OLD}." in err


def test_where_none_of_several_is_on_disk_each_is_listed(project, recorded, impact):
    recorded(OLD, NEW)
    (project / PATH).write_bytes(b"other")

    code, out, err = impact(PATH)

    assert (code, out) == (1, "")
    assert uri(OLD) in err
    assert uri(NEW) in err
    assert f"on disk now is @{NOT_RECORDED}, which nothing recorded. Give one of them." in err


def test_overwritten_bytes_are_named_before_the_answer_about_the_old_ones(project, recorded, impact):
    recorded(OLD)
    (project / PATH).write_bytes(b"other")

    code, out, err = impact(PATH, "--json")

    assert code == 0
    assert uri(OLD) in out
    assert f"on disk is @{NOT_RECORDED}, which nothing recorded; this is about @{OLD}." in err


def test_files_with_the_names_of_other_references_change_no_answer(project, recorded, impact):
    recorded(OLD)
    (project / uri(OLD).partition("@")[0].rpartition("/")[2]).write_bytes(b"")
    (project / OLD).mkdir()

    assert impact(uri(OLD), "--json")[0] == 0
    assert impact("nothing")[0] == 1

"""`RuleTexts`: the same promises by the fake and by the files of a folder."""

import os

import pytest

from handrail.approvals.adapters.folder_texts import FolderTexts
from handrail.errors import Misconfigured
from tests.fakes.approvals_rules import MemoryTexts


class Memory:
    def __init__(self):
        self.texts = MemoryTexts()

    def write(self, name, text):
        self.texts.policies[name] = text

    def remove(self, name):
        del self.texts.policies[name]

    def write_roles(self, text):
        self.texts.persons = text

    def write_objectives(self, text):
        self.texts.wanted = text

    def write_stray(self, name):
        self.texts.others.add(name)


class Files:
    def __init__(self, folder):
        self.folder, self.texts = folder, FolderTexts(folder)
        (folder / "policies").mkdir()

    def write(self, name, text):
        (self.folder / "policies" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def remove(self, name):
        (self.folder / "policies" / f"{name}.yaml").unlink()

    def write_roles(self, text):
        (self.folder / "roles.yaml").write_text(text, encoding="utf-8")

    def write_objectives(self, text):
        (self.folder / "objectives.yaml").write_text(text, encoding="utf-8")

    def write_stray(self, name):
        (self.folder / "policies" / name).write_text("version: 1")


@pytest.fixture(params=["memory", "folder"])
def source(request, tmp_path):
    return Memory() if request.param == "memory" else Files(tmp_path)


def test_each_policy_has_a_name_a_place_and_a_text(source):
    source.write("shadow", "b: ü")
    source.write("champion", "a: 1")

    assert list(source.texts.names()) == ["champion", "shadow"]
    assert source.texts.policy("shadow").content == "b: ü"
    assert source.texts.policy("shadow").place.endswith("policies/shadow.yaml")
    assert source.texts.place().endswith("policies")


def test_a_changed_text_counts_at_the_next_call(source):
    source.write("champion", "a: 1")
    assert source.texts.policy("champion").content == "a: 1"

    source.write("champion", "a: 2")

    assert source.texts.policy("champion").content == "a: 2"


def test_a_text_that_is_gone_is_named(source):
    source.write("champion", "a: 1")
    source.remove("champion")

    assert list(source.texts.names()) == []
    with pytest.raises(Misconfigured, match=r"champion\.yaml: it is missing"):
        source.texts.policy("champion")


def test_roles_that_are_missing_are_named(source):
    with pytest.raises(Misconfigured, match=r"roles\.yaml: it is missing"):
        source.texts.roles()

    source.write_roles("version: 1")

    assert source.texts.roles().content == "version: 1"


def test_objectives_that_are_missing_are_named(source):
    with pytest.raises(Misconfigured, match=r"objectives\.yaml: it is missing"):
        source.texts.objectives()

    source.write_objectives("objectives: {}")

    assert source.texts.objectives().content == "objectives: {}"


def test_what_is_no_policy_is_a_stray(source):
    source.write("champion", "a: 1")
    assert list(source.texts.strays()) == []

    for name in ("x", "champion.yml", ".champion.yaml"):
        source.write_stray(name)

    assert list(source.texts.strays()) == [".champion.yaml", "champion.yml", "x"]
    assert list(source.texts.names()) == ["champion"]


def test_a_file_that_is_not_utf_8_and_a_link_that_leads_nowhere_are_no_texts(tmp_path):
    files = Files(tmp_path)
    (tmp_path / "policies" / "latin.yaml").write_bytes("a: ü".encode("latin-1"))
    os.symlink("nowhere", tmp_path / "policies" / "champion.yaml")

    with pytest.raises(Misconfigured, match=r"latin\.yaml: it is not UTF-8"):
        files.texts.policy("latin")
    assert list(files.texts.strays()) == ["champion.yaml"]

"""`handrail lineage check`: what config/lineage.yaml accepts is counted and fails nothing."""

import json
import sys
from datetime import UTC, datetime

import pytest

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import main

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCEPTED = """
version: 1
accepted:
- {kind: pointer-to-nowhere, subject: "slot*", because: it is gone for good}
- {kind: pointer-to-nowhere, subject: other, because: of nothing}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / ".handrail"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "lineage.yaml").write_text(ACCEPTED)
    return tmp_path


@pytest.fixture
def check(project, monkeypatch, capsys):
    def call(*options):
        monkeypatch.setattr(sys, "argv", ["handrail", "lineage", "check", *options])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code or 0, capsys.readouterr().out

    return call


def point_nowhere(name):
    platform = open_platform()
    platform.lineage.point(name, "bento://flights/gone", NOON, by="actor://s/ann")
    platform.close()


def test_an_accepted_flaw_is_counted_and_fails_nothing(check):
    point_nowhere("slot-1")

    code, out = check()

    assert code == 0
    assert out.startswith("Nothing else is missing, dangles or contradicts.\n")
    assert "Accepted in config/lineage.yaml: 1, see --all\n" in out
    assert "it is gone for good" not in out


def test_all_prints_what_is_accepted_and_why(check):
    point_nowhere("slot-1")

    assert "because it is gone for good" in check("--all")[1].replace("\n", " ")


def test_programs_get_what_is_accepted_beside_what_stands(check):
    point_nowhere("slot-1")
    point_nowhere("seat")

    code, out = check("--json")
    told = json.loads(out)

    assert code == 1
    assert [flaw["subject"] for flaw in told["flaws"]] == ["seat"]
    assert [(flaw["subject"], flaw["because"]) for flaw in told["accepted"]] == [("slot-1", "it is gone for good")]
    assert [each["subject"] for each in told["unused"]] == ["other"]


def test_an_acceptance_of_nothing_is_reported_so_that_a_slip_is_seen(check):
    point_nowhere("slot-1")

    assert "accepts pointer-to-nowhere of other, of which there is none: take it out." in check()[1]


def test_a_file_that_cannot_be_used_is_no_clean_bill(check, project):
    (project / "config" / "lineage.yaml").write_text("version: 1\naccepted: [{kind: pointer-to-nowhere}]\n")

    assert check()[0] == 1


def test_which_projects_were_compared_is_said(check, project):
    point_nowhere("slot-1")
    assert "Here is no DVC project: files were not compared with anything.\n" in check()[1]

    (project / "ml" / ".dvc").mkdir(parents=True)
    (project / "ml" / ".dvc" / "config").write_text("")
    (project / "ml" / "data.csv").write_text("changed")
    (project / "ml" / "data.csv.dvc").write_text(f"outs: [{{path: data.csv, md5: {'f' * 32}, hash: md5}}]")
    code, out = check()
    assert (code, "Files were compared in the DVC projects: ml\n" in out, "  ml/data.csv: " in out) == (1, True, True)
    assert json.loads(check("--json")[1])["dvc_projects"] == ["ml"]

    (project / ".dvc").mkdir()
    assert "Files were compared in the DVC projects: this folder, ml\n" in check()[1]

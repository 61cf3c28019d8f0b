"""`handrail lineage` over a store that holds nothing, or is none."""

import json

import pytest

from tests.fakes.command import handrail_command


@pytest.fixture
def handrail(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDRAIL_DATABASE_URL", raising=False)
    return handrail_command(monkeypatch, capsys, "lineage")


def test_the_doctor_is_not_content_where_nothing_is_recorded(handrail, tmp_path, monkeypatch):
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "other"))
    store = f"sqlite:///{tmp_path / 'other' / 'handrail.db'}"
    handrail("token", "create", "airflow")

    code, out, _ = handrail("check")
    assert (code, out) == (
        1,
        f"Nothing is recorded here yet: {store}. Record something, or set HANDRAIL_HOME or HANDRAIL_PROJECT.\n",
    )

    code, out, _ = handrail("check", "--json")
    (flaw,) = json.loads(out)["flaws"]
    assert (code, flaw["kind"], flaw["subject"]) == (1, "nothing-recorded", store)


def test_a_store_that_is_no_database_is_one_sentence(handrail, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "handrail.db").write_text("garbage\n")
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "other"))

    code, out, err = handrail("findings")

    assert (code, out) == (1, "")
    assert "file is not a database" in err
    assert "restore a backup" in err
    assert "Traceback" not in err

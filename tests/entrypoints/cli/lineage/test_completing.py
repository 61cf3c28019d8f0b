"""What the shell offers: names that begin so, and nothing at all where there is nothing or a mistake."""

import pytest

from handrail.entrypoints.cli.completing import accounts, moving_names, names, requests


@pytest.mark.parametrize(
    ("incomplete", "offered"),
    [
        ("fli", ["flights/1", "flights:b1", "flights@champion"]),
        ("data/raw/", ["data/raw/2013-01.csv", "data/raw/2013-02.csv"]),
        ("feature_view/", ["feature_view/weather"]),
        ("zzz", []),
    ],
)
def test_names_that_begin_so_are_offered(home, incomplete, offered):
    assert home.findings() == ()
    assert names(incomplete) == offered


def test_moving_names_and_accounts_are_offered(home, tmp_path):
    folder = tmp_path / ".handrail" / "credentials"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "demo-ada.json").write_text("{}")

    assert home.pointer_names()
    assert moving_names("flights@") == ["flights@champion"]
    assert (accounts("a"), accounts("b")) == (["ada"], [])
    assert requests("pr-") == []


@pytest.mark.parametrize("offer", [names, moving_names, requests, accounts])
def test_nothing_is_offered_where_nothing_is_recorded(offer, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "nowhere"))

    assert offer("a") == []
    assert not (tmp_path / "nowhere").exists()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("offer", [names, moving_names, requests, accounts])
def test_a_mistake_in_the_settings_is_not_said_while_somebody_types(offer, tmp_path, monkeypatch, capsys):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("no_such_setting: 1")
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))

    assert offer("a") == []
    assert capsys.readouterr() == ("", "")

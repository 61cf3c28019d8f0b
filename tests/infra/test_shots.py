"""Pictures of the demo's pages need a finished demo."""

from infra.shots import main


def test_without_a_finished_demo_one_sentence_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))

    assert main() == 1

    assert capsys.readouterr().err.startswith("error: The demo's state")
    assert not (tmp_path / "shots").exists()

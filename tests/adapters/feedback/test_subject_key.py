"""The key of subjects: made once, private, and never replaced in silence; nothing plain reaches a file."""

import json
import stat

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.feedback import open_spool
from handrail.bootstrap.feedback_subjects import open_subjects, subject_reference
from handrail.errors import Misconfigured
from handrail.settings import load_settings
from tests.fakes.feedback import a_prediction, an_outcome

pytestmark = pytest.mark.any_version

WHO = "ada@example.com"
KINDS = "version: 1\nkinds: {ground_truth: {maturity_window_hours: 1}}\n"
KEYED = KINDS + "privacy: {subjects: keyed}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    for name in ("PROJECT", "HOME", "DATABASE_URL"):
        monkeypatch.delenv(f"HANDRAIL_{name}", raising=False)
    write(tmp_path, KEYED)
    return tmp_path


def write(project, text):
    (project / "config" / "feedback.yaml").write_text(text)


def record(project):
    made = a_prediction(0, subject=WHO, prediction_id="p-1")
    with open_platform(load_settings(project)) as platform:
        open_spool(platform.settings).append([made])
        platform.feedback.receive([an_outcome(made, prediction_id="", subject=WHO)])
        return platform.feedback.predictions_about(WHO)


def key_of(project):
    return project / ".handrail" / "credentials" / "feedback-subject-key"


def everything(folder):
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_no_file_holds_a_subject_from_the_spool_to_the_log(project):
    record(project)

    spooled = everything(project / ".handrail" / "spool")
    assert b'"p-1"' in spooled
    assert WHO.encode() not in everything(project / ".handrail")

    with open_platform(load_settings(project)) as platform:
        open_spool(platform.settings).drain(platform.feedback.record_predictions)
        (found,) = platform.feedback.predictions_about(WHO)
    assert found.subject == subject_reference(WHO, load_settings(project))
    assert WHO.encode() not in everything(project / ".handrail")


def test_the_key_is_the_owners_alone_and_stays(project):
    first = open_subjects(load_settings(project)).reference(WHO)

    assert stat.S_IMODE(key_of(project).stat().st_mode) == 0o600
    assert open_subjects(load_settings(project)).reference(WHO) == first
    assert open_subjects(load_settings(project)).reference("bob") != first


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda key: key.unlink(), "is gone"),
        (lambda key: key.write_text("00" * 32), "is not the key"),
        (lambda key: key.write_text("nonsense"), "no usable key"),
        (lambda key: key.chmod(0o644), "other users may read it"),
    ],
)
def test_a_key_that_is_lost_or_changed_is_refused_by_log_and_spool(project, damage, words):
    record(project)
    damage(key_of(project))

    with pytest.raises(Misconfigured, match=words):
        open_spool(load_settings(project)).append([a_prediction(1)])
    with pytest.raises(Misconfigured, match=words), open_platform(load_settings(project)) as platform:
        platform.feedback.status()


def test_a_store_with_pseudonyms_of_another_key_is_refused_even_where_every_file_of_it_is_gone(project):
    record(project)
    key_of(project).unlink()
    (project / ".handrail" / "feedback-subject-key-id").unlink()

    with pytest.raises(Misconfigured, match="made with another key"), open_platform(load_settings(project)) as platform:
        platform.feedback.status()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(KEYED, KINDS, "the log has pseudonyms"), (KINDS, KEYED, "the log has plain subjects")],
)
def test_a_log_is_never_named_both_ways(project, before, after, words):
    write(project, before)
    record(project)
    write(project, after)

    with pytest.raises(Misconfigured, match=words), open_platform(load_settings(project)) as platform:
        platform.feedback.status()


def test_a_wrong_word_is_refused_with_its_line(project):
    write(project, KINDS + "privacy: {subjects: secret}\n")

    with pytest.raises(Misconfigured, match=r"feedback.yaml, line 3: 'privacy.subjects' "):
        open_subjects(load_settings(project))


def test_plain_is_the_default_and_makes_no_key(project):
    write(project, KINDS)
    record(project)

    assert subject_reference(WHO, load_settings(project)) == WHO
    assert not key_of(project).exists()
    assert json.dumps(WHO).encode() in everything(project / ".handrail" / "spool")

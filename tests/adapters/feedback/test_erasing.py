"""Erasing a subject from everything that Handrail made, with real files and databases."""

import json
import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handrail.bootstrap.feedback import open_spool
from handrail.bootstrap.feedback_erasing import open_eraser
from handrail.errors import InvalidInput
from handrail.feedback.adapters.pyarrow_part_names import PyarrowPartNames
from handrail.feedback.adapters.spool_erasing import SpoolFolder
from handrail.feedback.adapters.sql_parts import SqlParts
from tests.fakes.erased_project import erase, figures, figures_by_columns, fill, make_project, open_project
from tests.fakes.feedback import GO_LIVE, a_prediction
from tests.fakes.feedback_store import DATABASES, a_database

WHO, OTHERS = "ada@example.com", ["ada@example.com.au", "bob@example.com", 'Zoë "Z" O\'Neil/7']
SUBJECTS = [WHO, *OTHERS, WHO, OTHERS[0], WHO]


@pytest.fixture(params=DATABASES)
def project(request, tmp_path, monkeypatch):
    for name in ("PROJECT", "HOME", "DATABASE_URL"):
        monkeypatch.delenv(f"HANDRAIL_{name}", raising=False)
    with a_database(request.param, tmp_path) as url:
        if request.param == "postgresql":
            monkeypatch.setenv("HANDRAIL_DATABASE_URL", url)
        yield make_project(tmp_path / "project")


def erase_in(platform, subject=WHO, **more):
    return open_eraser(platform, **more).erase(subject, "ada", GO_LIVE)


def holders(folder, subject):
    """Return the files below a folder that hold a subject, by a search of its own."""
    ways = [subject.encode(), json.dumps(subject)[1:-1].encode(), subject.encode("utf-16-le")]
    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = file.read_bytes()
        if file.suffix == ".parquet":
            data += "\n".join(str(row) for row in pq.read_table(file).to_pylist()).encode()
        longer = subject.encode() + b".au"
        data = data.replace(longer, b"")
        if any(way in data for way in ways):
            found.append(file.name)
    return found


@pytest.mark.parametrize("privacy", ["plain", "keyed"])
def test_nothing_of_the_subject_is_left_and_figures_stay(tmp_path, monkeypatch, privacy):
    folder = make_project(tmp_path / "project", privacy)
    with open_project(folder) as platform:
        snapshot = fill(platform, SUBJECTS)
        before, columns = figures(platform), figures_by_columns(platform)
        assert holders(folder, WHO) == [] if privacy == "keyed" else holders(folder, WHO) != []

        report = erase_in(platform)

        assert report.left == ()
        assert report.failed == ()
        assert report.is_clean
        assert (figures(platform), figures_by_columns(platform)) == (before, columns)
        assert platform.feedback.damages() == ()
        (became,) = report.erased.replaced
        assert (became.digest, became.rows) == (snapshot.digest, 3)
        assert [each.path for each in report.exports] == [str(folder / "exports" / "labels.parquet")]
        assert platform.feedback.predictions_about(WHO) == ()
        assert len(platform.feedback.predictions_about(OTHERS[0])) == 2
    assert holders(folder, WHO) == []


def test_on_every_database_the_search_agrees(project):
    with open_project(project) as platform:
        fill(platform, SUBJECTS)
        report = erase_in(platform)
        again = erase_in(platform)

    assert (report.left, report.failed, report.erased.record.predictions) == ((), (), 3)
    assert (again.is_clean, again.erased.record.is_empty) == (True, True)
    assert bool(report.beyond) == ("HANDRAIL_DATABASE_URL" in os.environ)


def test_what_another_table_says_of_the_subject_is_named(project):
    with open_project(project) as platform:
        fill(platform, SUBJECTS)
        with platform.store.write() as connection:
            connection.exec_driver_sql(f"insert into feedback_deployment (id, uri) values (77, 'deploy://x/{WHO}/1')")
        report = erase_in(platform)

    assert not report.is_clean
    if "HANDRAIL_DATABASE_URL" in os.environ:
        assert [place.partition(" ")[0] for place, _ in report.left] == ["feedback_deployment.uri"]
    else:
        assert {place for place, _ in report.left} == {str(project / ".handrail" / "handrail.db")}


def test_a_file_that_somebody_else_wrote_is_named_and_left(tmp_path):
    folder = make_project(tmp_path / "project")
    with open_project(folder) as platform:
        fill(platform, SUBJECTS)
        copied = folder / ".handrail" / "copy.csv"
        copied.write_text(f"who\n{WHO}\n")
        export = folder / "exports" / "labels.parquet"
        pq.write_table(pa.table({"subject": [WHO]}), export)

        report = erase_in(platform)

    assert report.left == ((str(copied), "plain"), (str(export), "plain"))
    assert [each.path for each in report.moved] == [str(export)]
    assert copied.read_text() == f"who\n{WHO}\n"


def test_a_process_that_still_spools_goes_on(tmp_path):
    folder = make_project(tmp_path / "project")
    with open_project(folder) as platform:
        fill(platform, [OTHERS[1]])
        spool = open_spool(platform.settings)
        spool.append([a_prediction(50, subject=WHO)])
        report = erase_in(platform)
        spool.append([a_prediction(51, subject=OTHERS[1])])
        receipt = spool.drain(platform.feedback.record_predictions)

    assert report.is_clean
    assert receipt.accepted == 1


def test_what_was_deleted_before_leaves_the_free_pages_of_the_database(tmp_path):
    with open_project(make_project(tmp_path / "project")) as platform:
        fill(platform, SUBJECTS)
        with closing(sqlite3.connect(platform.settings.home / "handrail.db")) as others:
            others.execute("pragma secure_delete = off")
            others.execute("create table passing (who text)")
            others.executemany("insert into passing values (?)", [(f"{WHO} {number}",) for number in range(2_000)])
            others.execute("drop table passing")
            others.commit()

        report = erase_in(platform)

    assert report.left == ()
    assert holders(platform.settings.home, WHO) == []


def test_of_a_spool_lines_in_the_log_are_overwritten_and_no_other(tmp_path):
    with open_project(make_project(tmp_path / "project")) as platform:
        spool = open_spool(platform.settings)
        spool.append([a_prediction(1, subject=WHO), a_prediction(2, subject=OTHERS[1])])
        spool.drain(platform.feedback.record_predictions)
        spool.append([a_prediction(3, subject=WHO)])
    (file,) = (platform.settings.home / "spool").glob("*.ndjson")
    before = file.read_bytes().splitlines()

    done = SpoolFolder(file.parent).blank([WHO.encode()])

    assert done == 1
    assert file.read_bytes().splitlines() == [b" " * len(before[0]), *before[1:]]


def test_names_in_parts_are_those_of_the_log(tmp_path):
    folder = make_project(tmp_path / "project")
    with open_project(folder) as platform:
        fill(platform, [WHO, OTHERS[1]])
        names = PyarrowPartNames(platform.settings.home / "feedback")
        made = [each for part in SqlParts(platform.store).all() for each in names.names(part)]

    assert sorted(made) == [(1, "e0"), (1, "p-0"), (2, "p-1"), (2, "r0"), (3, "e1"), (4, "r1")]


def test_a_short_subject_is_erased_and_nothing_is_claimed(tmp_path):
    folder = make_project(tmp_path / "project")
    with open_project(folder) as platform:
        fill(platform, ["7", "8"])
        report = erase_in(platform, "7")

    assert report.erased.record.predictions == 1
    assert report.is_short
    assert not report.is_clean


@pytest.mark.parametrize("subject", ["", "erased:0"])
def test_what_is_no_subject_is_refused(tmp_path, subject):
    with open_project(make_project(tmp_path / "project")) as platform, pytest.raises(InvalidInput):
        erase_in(platform, subject)


STEPS = {
    "before the log": ("handrail.feedback.adapters.sql_erasures.SqlErasures.erase", False),
    "in the log": ("handrail.feedback.adapters.sql_erasures.digest_rows", False),
    "behind the log": ("handrail.feedback.adapters.sql_erasures.SqlErasures.erase", True),
    "in the spool": ("handrail.feedback.adapters.spool_erasing._drop", False),
    "between a part and its record": ("handrail.feedback.adapters.sql_parts.SqlParts.record", False),
    "behind the parts": ("handrail.feedback.service.compaction.Compaction.rewrite", True),
    "before the export": ("handrail.feedback.adapters.sql_exports.NotedLabels.write", False),
    "between the export and its note": ("handrail.feedback.adapters.sql_exports.SqlExports.note", False),
    "before the store is shrunk": ("handrail.feedback.adapters.sql_leftovers.SqliteLeftovers.shrink", False),
}


def killed(folder, where, behind):
    """Run an erasure whose process is killed at a step."""
    import pkgutil

    owner, _, name = where.rpartition(".")
    target = pkgutil.resolve_name(owner)
    known = getattr(target, name)

    def kill(*arguments, **more):
        if behind:
            known(*arguments, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(target, name, kill)
    erase(folder, WHO)


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_erasure_is_ended_by_the_same_command(tmp_path, step):
    folder = make_project(tmp_path / "project")
    with open_project(folder) as platform:
        fill(platform, SUBJECTS)
        before = figures(platform)
    process = multiprocessing.get_context("spawn").Process(target=killed, args=(folder, *STEPS[step]))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL

    with open_project(folder) as platform:
        report = erase_in(platform)

        assert (report.left, report.failed) == ((), ())
        assert (figures(platform), platform.feedback.damages()) == (before, ())
        assert len(figures_by_columns(platform)) == len(before)
    assert holders(folder, WHO) == []


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20).map("Ω{}Ω/".format)
"""Names that are written in many ways, and that nothing else in a store looks like."""


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXT, min_size=2, max_size=4, unique=True), st.data())
def test_whatever_a_subject_is_called_no_spelling_is_left(tmp_path_factory, names, data):
    folder = make_project(tmp_path_factory.mktemp("property") / "project")
    drawn = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=6))
    with open_project(folder) as platform:
        fill(platform, [*drawn, names[0]])
        before, columns = figures(platform), figures_by_columns(platform)
        report = erase_in(platform, names[0])

        assert report.left == ()
        assert (figures(platform), figures_by_columns(platform)) == (before, columns)
        assert platform.feedback.damages() == ()

"""`Provenance` and `Holds`: the same promises by the fakes, by SQL, and by a keeper's socket before SQL."""

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters import tables
from handrail.approvals.adapters.socket_custody import SocketHolds, SocketProvenance
from handrail.approvals.adapters.sql_custody import SqlHolds, SqlProvenance
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.domain.subject import Candidate
from handrail.manifest import FileEntry, Manifest, digest_of
from tests.fakes.approvals_custody import MemoryHolds, MemoryProvenance
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key
from tests.fakes.keeper import asking

MODEL = Candidate("flights", 7, 3, 9, "/a/1/r/model", "run", "1", "m-1")
WEIGHTS, REQUIREMENTS = "a" * 64, "b" * 64
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = Manifest(())
FILES = Manifest.of([FileEntry("onnx/model.onnx", 3, WEIGHTS), FileEntry("requirements.txt", 3, REQUIREMENTS)])


@pytest.fixture(params=["memory", "socket", *DATABASES])
def custody(request, tmp_path):
    if request.param == "memory":
        yield MemoryProvenance(), MemoryHolds()
        return
    database = "sqlite" if request.param == "socket" else request.param
    with approvals_store(database, tmp_path) as store:
        seals = Seals(log_key())
        provenance, holds = SqlProvenance(store, seals), SqlHolds(store, seals)
        if request.param == "socket":
            with asking(provenance=provenance, holds=holds) as keeper:
                yield SocketProvenance(keeper), SocketHolds(keeper)
        else:
            yield provenance, holds
        with store.read() as connection:
            assert list(seals.broken(connection)) == []


@pytest.fixture
def provenance(custody):
    return custody[0]


@pytest.fixture
def holds(custody):
    return custody[1]


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("version", MODEL.key),
        ("run", "run"),
        ("logged_model", "m-1"),
        ("path", "/a/1/r/model"),
        ("path", "/a/1/r/model/deep/below"),
    ],
)
def test_whoever_made_a_part_is_a_maker(provenance, kind, key):
    provenance.record(kind, key, "ada")

    assert provenance.makers(MODEL, NOTHING).accounts == ("ada",)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("version", replace(MODEL, epoch=8).key),
        ("version", replace(MODEL, created=8).key),
        ("run", "other"),
        ("path", "/a/1/r/model2"),
        ("path", "/a/1/r"),
        ("path", "/a/1/r/MODEL"),
        ("run", "/a/1/r/model"),
    ],
)
def test_whoever_made_something_else_is_no_maker(provenance, kind, key):
    provenance.record(kind, key, "ada")

    assert provenance.makers(MODEL, NOTHING).accounts == ()


def test_makers_come_once_and_in_order(provenance):
    for account in ("zoe", "ada", "zoe"):
        provenance.record("run", "run", account)
        provenance.record("version", MODEL.key, account)

    assert provenance.makers(MODEL, NOTHING).accounts == ("ada", "zoe")


def test_many_may_record_the_same_at_once(provenance):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: provenance.record("run", "run", "ada"), range(16)))

    assert provenance.makers(MODEL, NOTHING).accounts == ("ada",)


def test_nothing_missing_counts_as_made(provenance):
    provenance.record("run", "", "ada")

    assert provenance.makers(replace(MODEL, run_id=None, logged_model_id=None), NOTHING).accounts == ()


@pytest.mark.parametrize(
    "related",
    [
        [("run", "parent")],
        [("run", "parent"), ("parent", "grandparent"), ("other", "grandparent")],
        [("other", "run"), ("run", "other")],
        [("other", "parent"), ("run", "parent"), ("child", "other")],
    ],
    ids=["child of it", "a far cousin", "a circle", "child of a sibling"],
)
def test_whoever_made_a_run_of_the_same_family_is_a_maker(provenance, related):
    for run, parent in related:
        provenance.record_parent(run, parent)
        provenance.record_parent(run, parent)
    for run in {name for pair in related for name in pair} - {"run"}:
        provenance.record("run", run, f"maker of {run}")
    provenance.record("run", "stranger", "zoe")

    found = provenance.makers(MODEL, NOTHING).accounts

    assert found == tuple(sorted(f"maker of {run}" for run in {name for pair in related for name in pair} - {"run"}))


def test_the_first_to_upload_the_bytes_is_a_maker_and_nobody_later(provenance):
    for account in ("ben", "ada"):
        provenance.record_upload(WEIGHTS, account)
        provenance.record_upload(REQUIREMENTS, account)

    assert provenance.makers(MODEL, FILES).accounts == ("ben",)
    assert provenance.makers(MODEL, FILES, {WEIGHTS}).accounts == ()


def test_more_bytes_than_one_question_takes_are_all_looked_up(provenance):
    many = Manifest.of([FileEntry(f"{number:05}.bin", 1, f"{number:064x}") for number in range(1_200)])
    for number in (0, 600, 1_199):
        provenance.record_upload(f"{number:064x}", f"account {number}")

    assert provenance.makers(MODEL, many).accounts == ("account 0", "account 1199", "account 600")


def test_each_part_without_a_maker_is_named(provenance):
    parts = {
        ("version", MODEL.key): "the version",
        ("run", "run"): "the run run",
        ("logged_model", "m-1"): "the logged model m-1",
        ("path", "/a/1/r/model"): "the files in its top folder",
        ("path", "/a/1/r/model/onnx"): "the files in 'onnx'",
    }
    missing = set(parts.values())
    assert set(provenance.makers(MODEL, FILES).unrecorded) == missing

    for (kind, key), part in parts.items():
        provenance.record(kind, key, "ada")
        missing.remove(part)
        assert set(provenance.makers(MODEL, FILES).unrecorded) == missing


def test_a_version_without_run_and_logged_model_needs_no_maker_of_them(provenance):
    alone = replace(MODEL, run_id=None, logged_model_id=None)
    for kind, key in [("version", MODEL.key), ("path", "/a/1/r/model"), ("path", "/a/1/r/model/onnx")]:
        provenance.record(kind, key, "ada")

    assert provenance.makers(alone, FILES).unrecorded == ()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("version", "flights/3"),
        ("model", "flights"),
        ("run", "run"),
        ("experiment", "1"),
        ("logged_model", "m-1"),
    ],
)
def test_everything_that_a_version_consists_of_is_held(holds, kind, key):
    assert holds.holder(kind, key) is None

    holds.hold(MODEL, "pr-1")
    holds.hold(MODEL, "pr-1")

    assert holds.holder(kind, key) == "version 3 of 'flights'"
    assert holds.holder(kind, f"{key}0") is None


@pytest.mark.parametrize("path", ["/a/1/r/model", "/a/1/r/model/x/y", "/a/1/r", "/a", "/"])
def test_a_tree_is_held_at_above_and_below(holds, path):
    holds.hold(MODEL, "pr-1")

    assert holds.holder_of_path(path) == "version 3 of 'flights'"


@pytest.mark.parametrize("path", ["/a/1/r/model2", "/a/1/r/mode", "/a/1/r2", "/b", "/a/1/r/MODEL", "/a/1/r/mode_"])
def test_other_paths_are_free(holds, path):
    holds.hold(MODEL, "pr-1")

    assert holds.holder_of_path(path) is None


def test_a_second_version_of_the_same_run_adds_its_own_hold(holds):
    holds.hold(MODEL, "pr-1")
    holds.hold(replace(MODEL, version=4, created=10), "pr-2")

    assert holds.holder("version", "flights/4") == "version 4 of 'flights'"
    assert holds.holder("run", "run") == "version 3 of 'flights'"


KINDS = [("version", "flights/3"), ("model", "flights"), ("run", "run"), ("experiment", "1"), ("logged_model", "m-1")]


def test_what_is_released_for_one_holder_stays_held_for_another(holds):
    assert holds.holders() == frozenset()
    for holder in ("pr-1", "pr-2"):
        holds.hold(MODEL, holder)

    for _ in range(2):
        holds.release("pr-1", NOW, "superseded")
    assert holds.holders() == {"pr-2"}
    assert all(holds.holder(kind, key) for kind, key in KINDS)
    assert holds.holder_of_path("/a/1/r/model/x")

    holds.release("pr-2", NOW, "superseded")
    assert holds.holders() == frozenset()
    assert not any(holds.holder(kind, key) for kind, key in KINDS)
    assert not any(holds.holder_of_path(path) for path in ("/a/1/r/model/x", "/a/1/r", "/"))


def test_for_one_that_was_released_nothing_is_held_any_more(holds):
    holds.hold(MODEL, "pr-1")
    holds.release("pr-1", NOW, "superseded")

    holds.hold(MODEL, "pr-1")

    assert holds.holder("run", "run") is None


@pytest.mark.parametrize("database", DATABASES)
def test_holds_and_seals_from_before_there_were_holders_stay_as_they_are(database, tmp_path):
    with approvals_store(database, tmp_path) as store:
        key = log_key()
        seals, row = Seals(key), {"kind": "run", "thing": "run", "label": "version 3 of 'flights'"}
        digest = digest_of(["approvals_hold", row]).removeprefix("sha256:")
        signature = base64.b64encode(key.sign(f"handrail seal v1\n{digest}\n")).decode("ascii")
        with store.write() as connection:
            connection.execute(tables.holds.insert(), row | {"holder": ""})
            connection.execute(tables.seals.insert(), {"digest": digest, "signature": signature})

        with store.read() as connection:
            assert list(seals.broken(connection)) == []
        held = SqlHolds(store, seals)
        assert held.holder("run", "run") == "version 3 of 'flights'"
        assert held.holders() == {""}
        held.release("", NOW, "requests hold for themselves now")
        assert held.holder("run", "run") is None


@pytest.mark.parametrize("database", DATABASES)
def test_what_touches_a_path_is_found_by_an_index_however_much_is_held(database, tmp_path):
    with approvals_store(database, tmp_path) as store:
        rows = [
            {"kind": "path", "thing": f"/artifacts/{n}/r/model", "holder": f"pr-{n}", "label": f"v{n}"}
            for n in range(20_000)
        ]
        with store.write() as connection:
            connection.execute(tables.holds.insert(), rows)
            gone = [{"holder": f"gone-{n}", "at": NOW.isoformat(), "reason": "superseded"} for n in range(5_000)]
            connection.execute(tables.releases.insert(), gone)
            if database == "postgresql":  # SQLite has to know without
                connection.execute(sa.text("analyze"))
        asked = []
        sa.event.listen(store.engine, "before_cursor_execute", lambda *about: asked.append(about[2:4]))
        held = SqlHolds(store, Seals(log_key()))

        assert held.holder_of_path("/artifacts/7/r") == "v7"
        assert held.holder_of_path("/artifacts/7/r/model/a/b") == "v7"
        assert held.holder_of_path("/artifacts/7/r/models") is None
        assert held.holder_of_path("/artifacts/7/q") is None

        explain = "explain query plan " if database == "sqlite" else "explain "
        questions = [(sql, values) for sql, values in asked if sql.lstrip().upper().startswith("SELECT") and values]
        with store.read() as connection:
            for sql, values in questions:
                plan = str(connection.exec_driver_sql(explain + sql, values).fetchall())
                assert "SCAN" not in plan, plan
                assert "(kind=?)" not in plan, plan
                assert "Seq Scan" not in plan, plan
        assert len(questions) >= 6

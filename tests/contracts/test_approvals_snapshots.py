"""`Snapshots` and `Looks`: the same promises by the fakes, by files and SQL, and by a keeper's socket before those."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from handrail.approvals.adapters.folder_snapshots import FolderSnapshots, SqlLooks
from handrail.approvals.adapters.socket_custody import SocketLooks, SocketSnapshots
from handrail.approvals.adapters.sql_seals import Seals
from handrail.errors import InvalidInput, UnknownReference
from handrail.manifest import digest_of_bytes
from tests.fakes.approvals_evidence import MemoryLooks, MemorySnapshots
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, sealed_store
from tests.fakes.keeper import asking

ROWS = b"PAR1" + bytes(range(256)) * 9000 + b"PAR1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["memory", "socket", *DATABASES])
def pair(request, tmp_path):
    if request.param == "memory":
        yield MemorySnapshots(), MemoryLooks()
        return
    database = "sqlite" if request.param == "socket" else request.param
    with sealed_store(database, tmp_path) as (store, _, seals):
        snapshots, looks = FolderSnapshots(tmp_path / "labels", store, seals), SqlLooks(store, seals)
        if request.param == "socket":
            with asking(snapshots=snapshots, looks=looks) as keeper:
                yield SocketSnapshots(keeper), SocketLooks(keeper)
        else:
            yield snapshots, looks


@pytest.fixture
def snapshots(pair):
    return pair[0]


@pytest.fixture
def looks(pair):
    return pair[1]


def test_bytes_are_kept_by_their_digest_with_everybody_who_handed_them_in(snapshots):
    digests = {snapshots.keep(io.BytesIO(ROWS), "flights", account, NOW) for account in ("ben", "ada", "ben")}

    assert digests == {digest_of_bytes(ROWS)}
    assert snapshots.custodians(*digests) == ("ada", "ben")
    assert snapshots.path(*digests)


@pytest.mark.parametrize("content", [b"", b"PAR", b"PAR1", b"PAR1late", b"late,1\n", b"PAR1 PAR2"])
def test_anything_but_parquet_is_refused(snapshots, content):
    if content == b"PAR1":
        # Four bytes are both its begin and its end; what reads the rows refuses it.
        assert snapshots.keep(io.BytesIO(content), "flights", "ada", NOW)
        return
    with pytest.raises(InvalidInput, match="not a Parquet file"):
        snapshots.keep(io.BytesIO(content), "flights", "ada", NOW)


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "../../credentials", "sha256:../x", ""])
def test_what_nobody_handed_in_is_named(snapshots, digest):
    assert snapshots.custodians(digest) == ()
    with pytest.raises(UnknownReference, match="no snapshot named"):
        snapshots.path(digest)


def test_a_tree_is_one_look_however_often_and_the_budget_ends(looks):
    ask = [looks.look("flights", "sha256:1", tree, 2) for tree in ("a", "b", "a", "c", "b")]

    assert ask == [None, None, None, 2, None]


def test_models_and_snapshots_have_their_own_budgets(looks):
    assert [looks.look(model, rows, "a", 1) for model in ("x", "y") for rows in ("1", "2")] == [None] * 4
    assert looks.look("x", "1", "b", 1) == 1


def test_looks_at_the_same_moment_never_exceed_the_budget(looks):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda tree: looks.look("flights", "rows", f"tree-{tree}", 5), range(16)))

    assert answers.count(None) == 5


def test_files_are_the_servers_alone_and_nothing_is_left_of_what_was_refused(tmp_path):
    with approvals_store("sqlite", tmp_path) as store:
        kept = FolderSnapshots(tmp_path / "labels", store, Seals(log_key()), largest_bytes=len(ROWS))
        file = kept.keep(io.BytesIO(ROWS), "flights", "ada", NOW)
        with pytest.raises(InvalidInput, match="larger than"):
            kept.keep(io.BytesIO(ROWS + b" PAR1"), "flights", "ada", NOW)
        with pytest.raises(InvalidInput, match="not a Parquet"):
            kept.keep(io.BytesIO(b"x"), "flights", "ada", NOW)

    files = [path for path in (tmp_path / "labels").rglob("*") if path.is_file()]
    assert [str(path) for path in files] == [kept.path(file)]
    assert oct(files[0].stat().st_mode & 0o777) == "0o400"
    assert oct((tmp_path / "labels").stat().st_mode & 0o777) == "0o700"

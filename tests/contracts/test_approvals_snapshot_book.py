"""`SnapshotBook`: the same promises by the fake, by SQL, and over a keeper's socket."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.folder_snapshots import FolderSnapshots
from handrail.approvals.adapters.socket_custody import SocketSnapshotBook
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.adapters.sql_snapshot_book import SqlSnapshotBook
from handrail.approvals.adapters.tables import confirmations
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from tests.fakes.approvals_evidence import MemorySnapshots
from tests.fakes.approvals_rows import MemoryBook
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger, sealed_store
from tests.fakes.keeper import asking

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = b"PAR1 rows PAR1"


@pytest.fixture(params=["memory", "socket", *DATABASES])
def pair(request, tmp_path):
    if request.param in ("memory", "socket"):
        snapshots = MemorySnapshots()
        if request.param == "memory":
            yield snapshots, MemoryBook(snapshots)
            return
        with asking(snapshots=snapshots) as keeper:
            yield snapshots, SocketSnapshotBook(keeper)
        return
    with sealed_store(request.param, tmp_path) as (store, key, seals):
        yield (
            FolderSnapshots(tmp_path / "labels", store, seals),
            SqlSnapshotBook(store, logged_ledger(store, key).log, seals),
        )


@pytest.fixture
def snapshots(pair):
    return pair[0]


@pytest.fixture
def book(pair):
    return pair[1]


def _said(account="ben", model="flights", digest="sha256:1", at=NOW):
    return RowsConfirmed(digest, model, account, account.title(), at)


def test_who_handed_in_what_comes_back_by_model_oldest_first(snapshots, book):
    late = NOW + timedelta(days=1)
    digest = snapshots.keep(io.BytesIO(ROWS), "flights", "ada", NOW)
    for model, account in (("orders", "ada"), ("flights", "ben"), ("flights", "ada")):
        snapshots.keep(io.BytesIO(ROWS), model, account, late)

    assert list(book.handed_in("flights")) == [
        HandedIn(digest, "flights", "ada", NOW),
        HandedIn(digest, "flights", "ben", late),
    ]
    assert list(book.handed_in("nothing")) == []
    assert len(book.handed_in()) == 3
    assert snapshots.custodians(digest) == ("ada", "ben")


def test_confirmations_come_back_in_order_and_each_counts_once(book):
    for account in ("ben", "cleo", "ben"):
        book.confirm(_said(account))
    book.confirm(_said("ben", model="orders"))
    book.confirm(_said("ben", at=NOW + timedelta(days=1)))

    assert list(book.confirmations("sha256:1")) == [_said("ben"), _said("cleo"), _said("ben", model="orders")]
    assert list(book.confirmations("sha256:2")) == []


def test_many_may_confirm_at_once_and_nobody_is_lost(book):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: book.confirm(_said(f"person-{number % 6}")), range(12)))

    assert sorted(each.account for each in book.confirmations("sha256:1")) == [f"person-{n}" for n in range(6)]


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    "change",
    [
        sa.update(confirmations).values(person="Eve"),
        sa.update(confirmations).values(model="orders"),
        sa.update(confirmations).values(confirmed_at="2020-01-01T00:00:00+00:00"),
        sa.delete(confirmations),
        sa.insert(confirmations).values(
            digest="sha256:1", position=1, model="flights", account="eve", person="Eve", confirmed_at=NOW.isoformat()
        ),
    ],
    ids=["person", "model", "moment", "removed", "added"],
)
def test_what_others_wrote_is_not_believed(database, change, tmp_path):
    with approvals_store(database, tmp_path) as store:
        key = log_key()
        book = SqlSnapshotBook(store, logged_ledger(store, key).log, Seals(key))
        book.confirm(_said())
        with store.write() as connection:
            connection.execute(change)

        with pytest.raises(LogMismatch, match="The confirmations of|the confirmations of"):
            book.confirmations("sha256:1")

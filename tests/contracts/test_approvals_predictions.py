"""`PredictionBook`: the same promises by the fake, by files and SQL, and by a keeper's socket before those."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters import folder_predictions
from handrail.approvals.adapters.folder_predictions import FolderPredictions
from handrail.approvals.adapters.sealed_statements import COMMITMENTS
from handrail.approvals.adapters.socket_custody import SocketPredictions
from handrail.approvals.adapters.sql_seals import Seals
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.predictions import Foretelling
from handrail.errors import InvalidInput, Refused, UnknownReference
from handrail.manifest import digest_of_bytes
from tests.fakes.approvals_rows import MemoryPredictions
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger
from tests.fakes.approvals_world import TickingClock
from tests.fakes.keeper import asking

ROWS = b"PAR1" + bytes(range(256)) * 9000 + b"PAR1"
ADA = Foretelling("sha256:tree", "flights", "ada")
clock = TickingClock()


def _book(store, folder):
    key = log_key()
    return FolderPredictions(folder / "predictions", store, logged_ledger(store, key).log, Seals(key), clock)


@pytest.fixture(params=["memory", "socket", *DATABASES])
def book(request, tmp_path):
    if request.param == "memory":
        yield MemoryPredictions(clock)
        return
    with approvals_store("sqlite" if request.param == "socket" else request.param, tmp_path) as store:
        made = _book(store, tmp_path)
        if request.param == "socket":
            with asking(predictions=made) as keeper:
                yield SocketPredictions(keeper)
        else:
            yield made


def test_predictions_are_kept_by_their_digest_with_the_moment_at_which_they_were_there(book):
    before = clock.now
    made = book.commit(io.BytesIO(ROWS), ADA)

    assert made.digest == digest_of_bytes(ROWS)
    assert before < made.at <= clock.now
    assert list(book.committed("sha256:tree")) == [made]
    assert list(book.committed("sha256:other")) == []
    assert book.path(made.digest)


def test_the_same_again_keeps_its_first_moment_and_other_files_and_trees_have_their_own(book):
    first = book.commit(io.BytesIO(ROWS), ADA)
    again = book.commit(io.BytesIO(ROWS), Foretelling("sha256:tree", "flights", "ben"))
    more = book.commit(io.BytesIO(b"PAR1 more PAR1"), ADA)
    other = book.commit(io.BytesIO(ROWS), Foretelling("sha256:other", "flights", "ada"))

    assert again == first
    assert first.at < more.at < other.at
    assert list(book.committed("sha256:tree")) == [first, more]


@pytest.mark.parametrize("content", [b"", b"late,1\n", b"PAR1late"])
def test_anything_but_parquet_is_refused_and_nothing_was_committed(book, content):
    with pytest.raises(InvalidInput, match="not a Parquet file"):
        book.commit(io.BytesIO(content), ADA)

    assert list(book.committed("sha256:tree")) == []


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "../../credentials", ""])
def test_what_nobody_committed_is_named(book, digest):
    with pytest.raises(UnknownReference, match="no file of predictions named"):
        book.path(digest)


def test_many_may_commit_at_once(book):
    files = [b"PAR1 %d PAR1" % (number % 6) for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda content: book.commit(io.BytesIO(content), ADA), files))

    assert len(book.committed("sha256:tree")) == 6


class _Slow(io.BytesIO):
    """A content during whose last bytes an hour passes."""

    def read(self, size=-1):
        found = super().read(size)
        if not found:
            clock.now += timedelta(hours=1)
        return found


def test_the_moment_is_after_the_last_byte(tmp_path):
    with approvals_store("sqlite", tmp_path) as store:
        began = clock.now

        made = _book(store, tmp_path).commit(_Slow(ROWS), ADA)

    assert made.at >= began + timedelta(hours=1)


def test_one_tree_has_so_many_files_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_predictions, "MOST", 2)
    with approvals_store("sqlite", tmp_path) as store:
        book = _book(store, tmp_path)
        for number in range(2):
            book.commit(io.BytesIO(b"PAR1 %d PAR1" % number), ADA)

        with pytest.raises(Refused, match="put the predictions of more days into one"):
            book.commit(io.BytesIO(ROWS), ADA)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    "change",
    [
        sa.update(COMMITMENTS.table).values(committed_at="2020-01-01T00:00:00+00:00"),
        sa.update(COMMITMENTS.table).values(digest="sha256:0"),
        sa.delete(COMMITMENTS.table),
    ],
    ids=["moment", "digest", "removed"],
)
def test_what_others_wrote_is_not_believed(database, change, tmp_path):
    with approvals_store(database, tmp_path) as store:
        book = _book(store, tmp_path)
        book.commit(io.BytesIO(ROWS), ADA)
        with store.write() as connection:
            connection.execute(change)

        with pytest.raises(LogMismatch, match="commitments of sha256:tree"):
            book.committed("sha256:tree")

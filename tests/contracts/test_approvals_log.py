"""`LeafLog` and `HeadSigner`: the log in SQL, signed by its key."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.ed25519_notes import Ed25519Heads
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.tables import head, leaves
from handrail.approvals.domain import merkle
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import Leaf
from handrail.approvals.domain.notes import Checkpoint
from handrail.errors import InvalidInput, Misconfigured
from tests.fakes.approvals_store import DATABASES, approvals_store, fill_log, log_key, logged_ledger
from tests.unit.approvals.test_merkle import naive_path, naive_root


@pytest.fixture(params=DATABASES)
def store(request, tmp_path):
    with approvals_store(request.param, tmp_path) as store:
        yield store


@pytest.fixture
def signer():
    return log_key()


@pytest.fixture
def log(store, signer):
    logged_ledger(store, signer)
    return SqlLog(store, signer)


def _judged(log, number):
    (leaf,) = log.read(number, number + 1)
    problem = log.problem_of(leaf)
    if problem:
        raise LogMismatch("The leaf", problem)


def _contents(log):
    return [leaf.content for leaf in log.read(0, 10**6)]


def test_a_log_that_began_is_empty_and_signed(log, signer):
    checkpoint, signature = log.checkpoint()

    assert checkpoint == Checkpoint("example.com/log", 0, sha256(b"").digest())
    assert signer.holds(checkpoint.text, signature)


def test_leaves_come_back_in_order_and_say_their_place(log):
    numbers = [log.note(Leaf("alarm", "2026-01-01", {"what": text})) for text in ("a", "b", "c")]

    assert numbers == [0, 1, 2]
    assert _contents(log)[1] == b'{"at":"2026-01-01","facts":{"what":"b"},"format":1,"kind":"alarm","number":1}'
    assert [leaf.number for leaf in log.read(1, 2)] == [1]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 20])
def test_each_leaf_is_born_with_the_proof_that_it_is_the_last_of_a_signed_tree(log, signer, count):
    fill_log(log, count)
    contents = _contents(log)

    for leaf in log.read(0, count):
        before = contents[: leaf.number + 1]
        assert leaf.hash == merkle.leaf_hash(leaf.content)
        assert list(leaf.proof) == naive_path(leaf.number, before)
        assert signer.holds(Checkpoint("example.com/log", len(before), naive_root(before)).text, leaf.signature)
        assert log.problem_of(leaf) is None
    assert log.checkpoint()[0].root == naive_root(contents)


def test_many_writers_at_once_append_one_after_the_other(log, store, signer):
    def write(number):
        return SqlLog(store, signer).note(Leaf("alarm", "now", {"writer": number}))

    with ThreadPoolExecutor(8) as pool:
        numbers = sorted(pool.map(write, range(40)))

    assert numbers == list(range(40))
    assert log.checkpoint()[0] == Checkpoint("example.com/log", 40, naive_root(_contents(log)))


def test_a_leaf_is_not_appended_when_its_transaction_fails(log, store):
    log.note(Leaf("alarm", "now"))

    def fail():
        with store.write() as connection:
            log.append(connection, Leaf("alarm", "later"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert log.note(Leaf("alarm", "after")) == 1
    assert log.checkpoint()[0].root == naive_root(_contents(log))


def test_the_longest_leaf_is_appended_and_a_longer_one_refused(log):
    empty = len(Leaf("alarm", "now", {"text": ""}).content(0))

    with pytest.raises(InvalidInput, match="65,536"):
        log.note(Leaf("alarm", "now", {"text": "x" * (65_536 - empty)}))

    assert log.note(Leaf("alarm", "now", {"text": "x" * (65_535 - empty)})) == 0


@pytest.mark.parametrize("column", ["size", "peaks", "signature"])
def test_nothing_is_built_on_a_head_that_was_changed(log, store, column):
    fill_log(log, 3)
    other = {"size": 2, "peaks": "00" * 64, "signature": "AAAA"}[column]
    with store.write() as connection:
        connection.execute(head.update().values({column: other}))

    with pytest.raises(LogMismatch, match="head of the log"):
        log.note(Leaf("alarm", "now"))
    with pytest.raises(LogMismatch, match="head of the log"):
        log.checkpoint()


def test_nothing_is_built_on_a_head_that_was_set_back(log, store):
    fill_log(log, 2)
    with store.read() as connection:
        before = dict(connection.execute(sa.select(head)).one()._mapping)
    fill_log(log, 1)
    with store.write() as connection:
        connection.execute(head.update().values(before))

    with pytest.raises(LogMismatch, match="leaf 2 is there"):
        log.note(Leaf("alarm", "now"))


def test_nothing_is_built_on_the_head_of_another_key(log, store):
    fill_log(log, 2)

    with pytest.raises(LogMismatch, match="not signed by the log's key"):
        logged_ledger(store, log_key())


def test_a_log_that_lost_its_head_is_not_begun_again(log, store, signer):
    fill_log(log, 2)
    with store.write() as connection:
        connection.execute(head.update().values(size=0, peaks="", signature=""))

    with pytest.raises(LogMismatch, match="it has leaves"):
        logged_ledger(store, signer)


@pytest.mark.parametrize("column", ["leaf", "hash", "proof", "signature", "request_id", "position", "number"])
def test_a_leaf_that_was_edited_says_so_itself(log, store, column):
    fill_log(log, 5)
    edited = {"number": 9, "position": 3, "request_id": "pr-x"}
    with store.write() as connection:
        row = connection.execute(sa.select(leaves).where(leaves.c.number == 4)).one()._mapping
        value = edited.get(column) or str(row[column]).replace("n4", "n5").replace("e", "d").replace("A", "B")
        assert value != row[column]
        connection.execute(leaves.update().where(leaves.c.number == 4).values({column: value}))

    with store.read() as connection:
        number = connection.execute(sa.select(sa.func.max(leaves.c.number))).scalar()
    with pytest.raises(LogMismatch, match="was edited"):
        _judged(log, number)


def test_a_key_is_kept_and_its_loss_or_exchange_is_never_healed(tmp_path):
    from handrail.approvals.adapters.ed25519_notes import open_heads, read_key

    private, public = tmp_path / "credentials" / "log.pem", tmp_path / "log" / "log.vkey"
    first = open_heads(private, public, "example.com/log")

    assert private.stat().st_mode & 0o777 == 0o600
    assert open_heads(private, public, "example.com/log").key == first.key == read_key(public)
    assert Ed25519Heads(first.key).holds("text\n", first.sign("text\n"))
    assert not first.holds("other\n", first.sign("text\n"))
    with pytest.raises(Misconfigured, match="alone signs"):
        Ed25519Heads(first.key).sign("text\n")
    with pytest.raises(Misconfigured, match="is not the key of"):
        open_heads(private, public, "example.com/other")
    held = private.read_bytes()
    private.unlink()
    with pytest.raises(Misconfigured, match="is gone"):
        open_heads(private, public, "example.com/log")
    open_heads(private, tmp_path / "other.vkey", "example.com/log")
    with pytest.raises(Misconfigured, match="is not the key of"):
        open_heads(private, public, "example.com/log")
    private.write_bytes(b"no key")
    with pytest.raises(Misconfigured, match="no Ed25519 key"):
        open_heads(private, public, "example.com/log")
    private.write_bytes(held)
    public.write_text("no key\n")
    with pytest.raises(Misconfigured, match="no verifier key"):
        read_key(public)

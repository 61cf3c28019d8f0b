"""`LeafLog`, `HeadSigner` and `LogFiles`: the log in SQL, signed by its key, and as files."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import sqlalchemy as sa

from handrail.approvals.adapters.ed25519_notes import Ed25519Heads, is_signed
from handrail.approvals.adapters.folder_log import FolderLog, node_in
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.tables import head, leaves
from handrail.approvals.domain import merkle, tiles
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.leaves import Leaf
from handrail.approvals.domain.notes import Checkpoint, Note
from handrail.approvals.service import Publisher
from handrail.errors import InvalidInput, Misconfigured
from tests.fakes.approvals_store import DATABASES, approvals_store, log_key, logged_ledger
from tests.unit.approvals.test_merkle import naive_path, naive_root

ENDED = [1, 2, 255, 256, 257, 300, 513]


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


def _fill(log, count):
    """Append in one transaction, as it is quick."""
    with log._store.write() as connection:
        for number in range(count):
            log.append(connection, Leaf("alarm", "2026-01-01T00:00:00+00:00", {"text": f"n{number}"}))


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
    _fill(log, count)
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
    _fill(log, 3)
    other = {"size": 2, "peaks": "00" * 64, "signature": "AAAA"}[column]
    with store.write() as connection:
        connection.execute(head.update().values({column: other}))

    with pytest.raises(LogMismatch, match="head of the log"):
        log.note(Leaf("alarm", "now"))
    with pytest.raises(LogMismatch, match="head of the log"):
        log.checkpoint()


def test_nothing_is_built_on_a_head_that_was_set_back(log, store):
    _fill(log, 2)
    with store.read() as connection:
        before = dict(connection.execute(sa.select(head)).one()._mapping)
    _fill(log, 1)
    with store.write() as connection:
        connection.execute(head.update().values(before))

    with pytest.raises(LogMismatch, match="leaf 2 is there"):
        log.note(Leaf("alarm", "now"))


def test_nothing_is_built_on_the_head_of_another_key(log, store):
    _fill(log, 2)

    with pytest.raises(LogMismatch, match="not signed by the log's key"):
        logged_ledger(store, log_key())


def test_a_log_that_lost_its_head_is_not_begun_again(log, store, signer):
    _fill(log, 2)
    with store.write() as connection:
        connection.execute(head.update().values(size=0, peaks="", signature=""))

    with pytest.raises(LogMismatch, match="it has leaves"):
        logged_ledger(store, signer)


@pytest.mark.parametrize("column", ["leaf", "hash", "proof", "signature", "request_id", "position", "number"])
def test_a_leaf_that_was_edited_says_so_itself(log, store, column):
    _fill(log, 5)
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


@pytest.fixture
def files(tmp_path):
    return FolderLog(tmp_path / "log", durable=False)


@pytest.fixture
def publisher(log, files, signer):
    return Publisher(log, files, signer.key)


def test_the_files_are_those_of_the_specification(log, publisher, tmp_path, signer):
    folder, size = tmp_path / "log", 0
    for end in ENDED:
        _fill(log, end - size)
        size = end
        note = publisher.catch_up()

        contents = _contents(log)
        assert Note.parse((folder / "checkpoint").read_bytes()) == note
        assert is_signed(note, signer.key)
        assert Checkpoint.parse(note.text) == Checkpoint("example.com/log", end, naive_root(contents))
        for level, count in tiles.levels_of(end):
            for index, width in tiles.tiles_of(count):
                places = range(index * 256, index * 256 + width)
                step = 256**level
                expected = b"".join(naive_root(contents[at * step : (at + 1) * step]) for at in places)
                assert (folder / tiles.tile_path(f"tile/{level}", index, width)).read_bytes() == expected
        for index, width in tiles.tiles_of(end):
            part = contents[index * 256 : index * 256 + width]
            assert (folder / tiles.tile_path("tile/entries", index, width)).read_bytes() == tiles.bundle(part)
    assert not (folder / "tile" / "0" / "000.p").exists()


def test_proofs_are_made_from_the_files(log, publisher, tmp_path):
    _fill(log, 300)
    publisher.catch_up()
    contents, node = _contents(log), node_in(tmp_path / "log", 300)

    for index in (0, 1, 255, 256, 299):
        assert list(merkle.inclusion_proof(index, 300, node)) == naive_path(index, contents)


def test_publishing_again_changes_nothing(log, publisher, tmp_path):
    _fill(log, 3)
    publisher.catch_up()
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "log").rglob("*") if file.name != ".lock"}

    publisher.catch_up()

    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "log").rglob("*") if file.name != ".lock"} == before


@pytest.mark.parametrize("lost", ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint"])
def test_what_a_kill_left_out_is_written_at_the_next_time(log, publisher, tmp_path, lost):
    _fill(log, 3)
    publisher.catch_up()
    (tmp_path / "log" / lost).unlink()
    _fill(log, 2)

    note = publisher.catch_up()

    assert Checkpoint.parse(note.text).root == naive_root(_contents(log))
    assert (tmp_path / "log" / "tile" / "entries" / "000.p" / "5").is_file()


def test_files_of_a_longer_log_are_refused(log, publisher, store, signer):
    _fill(log, 3)
    publisher.catch_up()
    with store.write() as connection:
        connection.execute(leaves.delete())
        connection.execute(head.update().values(size=0, peaks="", signature=""))
    logged_ledger(store, signer)

    with pytest.raises(LogMismatch, match="3 were published: its end was removed"):
        publisher.catch_up()


def test_files_of_another_log_are_refused(log, publisher, files, signer):
    _fill(log, 3)
    publisher.catch_up()
    note = files.published()
    other = Checkpoint("example.com/log", 3, merkle.leaf_hash(b"x"))
    files.replace_checkpoint(Note(other.text, note.signatures))

    with pytest.raises(LogMismatch, match="another root at leaf 3"):
        publisher.catch_up()

    files.replace_checkpoint(Note(Checkpoint("example.com/other", 0, other.root).text, note.signatures))
    with pytest.raises(LogMismatch, match=r"example\.com/other"):
        publisher.catch_up()
    (files._folder / "checkpoint").write_text("no note")
    with pytest.raises(LogMismatch, match="cannot be read"):
        publisher.catch_up()


def test_a_tile_that_was_edited_keeps_the_next_checkpoint_from_being_written(log, publisher, tmp_path):
    _fill(log, 256)
    publisher.catch_up()
    tile = tmp_path / "log" / "tile" / "1" / "000.p" / "1"
    tile.write_bytes(b"\0" * 32)
    before = (tmp_path / "log" / "checkpoint").read_bytes()
    _fill(log, 256)

    with pytest.raises(LogMismatch, match="another root"):
        publisher.catch_up()

    assert (tmp_path / "log" / "checkpoint").read_bytes() == before

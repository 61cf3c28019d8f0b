"""`LogFiles`, and the publisher that writes them: the layout of C2SP tlog-tiles, whatever interrupts it."""

import pytest

from handrail.approvals.adapters.ed25519_notes import is_signed
from handrail.approvals.adapters.folder_log import FolderLog, node_in
from handrail.approvals.adapters.sql_log import SqlLog
from handrail.approvals.adapters.tables import head, leaves
from handrail.approvals.domain import merkle, tiles
from handrail.approvals.domain.errors import LogMismatch
from handrail.approvals.domain.notes import Checkpoint, Note
from handrail.approvals.service import Publisher
from tests.fakes.approvals_store import approvals_store, fill_log, log_key, logged_ledger
from tests.unit.approvals.test_merkle import naive_path, naive_root

ENDED = [1, 2, 255, 256, 257, 300, 513]


@pytest.fixture
def store(tmp_path):
    with approvals_store("sqlite", tmp_path) as store:
        yield store


@pytest.fixture
def signer():
    return log_key()


@pytest.fixture
def log(store, signer):
    logged_ledger(store, signer)
    return SqlLog(store, signer)


def _contents(log):
    return [leaf.content for leaf in log.read(0, 10**6)]


@pytest.fixture
def files(tmp_path):
    return FolderLog(tmp_path / "log", durable=False)


@pytest.fixture
def publisher(log, files, signer):
    return Publisher(log, files, signer.key)


def test_the_files_are_those_of_the_specification(log, publisher, tmp_path, signer):
    folder, size = tmp_path / "log", 0
    for end in ENDED:
        fill_log(log, end - size)
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
    fill_log(log, 300)
    publisher.catch_up()
    contents, node = _contents(log), node_in(tmp_path / "log", 300)

    for index in (0, 1, 255, 256, 299):
        assert list(merkle.inclusion_proof(index, 300, node)) == naive_path(index, contents)


def test_publishing_again_changes_nothing(log, publisher, tmp_path):
    fill_log(log, 3)
    publisher.catch_up()
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "log").rglob("*") if file.name != ".lock"}

    publisher.catch_up()

    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "log").rglob("*") if file.name != ".lock"} == before


@pytest.mark.parametrize("lost", ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint"])
def test_what_a_kill_left_out_is_written_at_the_next_time(log, publisher, tmp_path, lost):
    fill_log(log, 3)
    publisher.catch_up()
    (tmp_path / "log" / lost).unlink()
    fill_log(log, 2)

    note = publisher.catch_up()

    assert Checkpoint.parse(note.text).root == naive_root(_contents(log))
    assert (tmp_path / "log" / "tile" / "entries" / "000.p" / "5").is_file()


def test_files_of_a_longer_log_are_refused(log, publisher, store, signer):
    fill_log(log, 3)
    publisher.catch_up()
    with store.write() as connection:
        connection.execute(leaves.delete())
        connection.execute(head.update().values(size=0, peaks="", signature=""))
    logged_ledger(store, signer)

    with pytest.raises(LogMismatch, match="3 were published: its end was removed"):
        publisher.catch_up()


def test_files_of_another_log_are_refused(log, publisher, files, signer):
    fill_log(log, 3)
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
    fill_log(log, 256)
    publisher.catch_up()
    tile = tmp_path / "log" / "tile" / "1" / "000.p" / "1"
    tile.write_bytes(b"\0" * 32)
    before = (tmp_path / "log" / "checkpoint").read_bytes()
    fill_log(log, 256)

    with pytest.raises(LogMismatch, match="another root"):
        publisher.catch_up()

    assert (tmp_path / "log" / "checkpoint").read_bytes() == before


def test_a_checkpoint_that_the_system_does_not_give_is_said_in_one_sentence(files, tmp_path):
    (tmp_path / "log" / tiles.CHECKPOINT).mkdir(parents=True)

    with pytest.raises(LogMismatch, match="cannot be read"):
        files.published()

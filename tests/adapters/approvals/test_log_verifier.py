"""Everything that somebody without the key can do to a log's files is found, and the first leaf at fault is named."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals import LogVerifier, TamperedLog
from handrail.approvals.domain.notes import Checkpoint, Note
from tests.fakes.approvals_store import log_key
from tests.fakes.effort import tried
from tests.fakes.log_folder import contents_of, forge_log, replace_entries, signed_leaves, write_log

pytestmark = pytest.mark.any_version

ROOT = Path(__file__).resolve().parents[3]
SIZES = [1, 2, 7, 256, 300]
SIGNER = log_key()


def edited(contents, at):
    changed = contents[at].replace(b'"text":"n', b'"text":"m')
    return [*contents[:at], changed, *contents[at + 1 :]], at, f"Leaf {at} was edited (decided, pr-{at:020d})"


def removed(contents, at):
    rest = [*contents[:at], *contents[at + 1 :]]
    last = at == len(contents) - 1
    return rest, at, f"leaves from {at} on are missing" if last else f"Leaf {at} was removed: leaf {at + 1} lies in"


def added(contents, at):
    new = contents[at].replace(b'"text":"n', b'"text":"m')
    return [*contents[:at], new, *contents[at:]], at, f"At leaf {at} one was added (decided"


def copied(contents, at):
    return [*contents[:at], contents[0], *contents[at:]], at or 1, f"At leaf {at or 1} one was added"


def exchanged(contents, at):
    other = (at + 1) % len(contents)
    first, second = sorted((at, other))
    changed = list(contents)
    changed[first], changed[second] = changed[second], changed[first]
    return changed, first, f"Leaf {first} was moved to {second}: leaf {second} lies in its place"


ATTACKS = [edited, removed, added, copied, exchanged]


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A log of each size, with its contents."""
    made = {}
    for size in SIZES:
        folder = tmp_path_factory.mktemp("logs") / str(size)
        contents = contents_of(size)
        made[size] = folder, contents, write_log(folder, SIGNER, contents)
    return made


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "log"


def _copy(source, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(source, scratch)
    return scratch


def _problem(folder, since=None, key=SIGNER.key):
    with pytest.raises(TamperedLog) as caught:
        LogVerifier(folder, key).verify(since)
    return caught.value


@pytest.mark.parametrize("size", SIZES)
def test_a_log_as_it_was_written_is_verified(logs, size):
    folder, _, note = logs[size]

    verified = LogVerifier(folder, SIGNER.key).verify(note.to_bytes())

    assert verified.checkpoint == Checkpoint.parse(note.text)
    assert verified.note == note


def test_an_empty_log_is_verified(tmp_path):
    write_log(tmp_path, SIGNER, [])

    assert LogVerifier(tmp_path, SIGNER.key).verify().checkpoint.size == 0


@tried(60)
@given(st.sampled_from(SIZES), st.sampled_from(ATTACKS), st.data())
def test_a_change_of_the_leaves_is_found_and_located(logs, scratch, size, attack, data):
    source, contents, _ = logs[size]
    at = data.draw(st.integers(0, size - 1))
    if attack is exchanged and size == 1:
        return
    changed, leaf, words = attack(contents, at)
    folder = _copy(source, scratch)
    replace_entries(folder, changed, size)

    problem = _problem(folder)

    assert words in str(problem).replace(",0", "0")
    assert problem.leaf == leaf


@tried(40)
@given(st.sampled_from([2, 7, 256, 300]), st.sampled_from(ATTACKS), st.data())
def test_it_is_located_too_when_all_tiles_are_written_anew(logs, scratch, size, attack, data):
    source, contents, note = logs[size]
    changed, leaf, words = attack(contents, data.draw(st.integers(0, size - 1)))
    folder = _copy(source, scratch)
    heads = [leaf.signature for leaf in signed_leaves(SIGNER, contents)[0]]
    forge_log(folder, log_key(), changed[:size], note, heads)

    problem = _problem(folder)

    assert problem.leaf == leaf
    if attack is not added and attack is not copied:
        assert words in str(problem)


@pytest.mark.parametrize("size", [7, 300])
def test_a_log_that_was_cut_at_any_leaf_is_found(logs, scratch, size):
    source, contents, _ = logs[size]
    for end in (0, 1, size // 2, size - 1):
        folder = _copy(source, scratch)
        replace_entries(folder, contents[:end], size)

        assert _problem(folder).leaf == end


def test_a_log_that_was_cut_with_an_older_checkpoint_is_found_by_the_kept_one(logs, scratch):
    _, contents, note = logs[300]
    shutil.rmtree(scratch, ignore_errors=True)
    write_log(scratch, SIGNER, contents[:200])

    problem = _problem(scratch, note.to_bytes())

    assert LogVerifier(scratch, SIGNER.key).verify().checkpoint.size == 200
    assert "Its end was removed: it has 200 leaves, and the kept checkpoint 300" in str(problem)
    assert problem.leaf == 200


def test_a_log_that_was_written_anew_with_the_key_is_found_by_the_kept_checkpoint(logs, scratch):
    _, contents, note = logs[7]
    shutil.rmtree(scratch, ignore_errors=True)
    write_log(scratch, SIGNER, [*edited(contents, 3)[0], *contents_of(9)[7:]])

    assert "Its first 7 leaves are others than those of the kept checkpoint" in str(_problem(scratch, note.to_bytes()))


def test_a_log_that_grew_is_consistent_with_every_kept_checkpoint(logs, scratch):
    contents = logs[300][1]
    shutil.rmtree(scratch, ignore_errors=True)
    write_log(scratch, SIGNER, contents)

    for size in (0, 1, 2, 3, 127, 255, 256, 257, 299):
        kept = signed_leaves(SIGNER, contents[:size])[1]
        assert LogVerifier(scratch, SIGNER.key).verify(kept.to_bytes()).checkpoint.size == 300


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_a_tile_that_was_edited_or_removed_is_named(logs, scratch, path):
    for change in (lambda file: file.write_bytes(b"\0" + file.read_bytes()[1:]), Path.unlink):
        folder = _copy(logs[300][0], scratch)
        change(folder / path)

        assert f"{path} is not what the leaves below it give" in str(_problem(folder))


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/entries/001.p/44"])
def test_a_bundle_that_is_missing_is_named(logs, scratch, path):
    folder = _copy(logs[300][0], scratch)
    (folder / path).unlink()

    problem = _problem(folder)

    assert path in str(problem)
    assert problem.leaf == (0 if path.endswith("000") else 256)


def test_an_edited_leaf_is_located_by_its_tile_where_the_heads_are_gone(logs, scratch):
    source, contents, _ = logs[300]
    folder = _copy(source, scratch)
    shutil.rmtree(folder / "heads")
    replace_entries(folder, edited(contents, 270)[0], 300)

    assert _problem(folder).leaf == 270


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda note: b"", "cannot be read"),
        (lambda note: note.to_bytes().replace(b"\n300\n", b"\n299\n"), "not signed by the key"),
        (lambda note: note.to_bytes().replace(b"example.com/log\n", b"example.com/xyz\n", 1), "not signed by the key"),
        (lambda note: Note(note.text + "more\n", note.signatures).to_bytes(), "not signed by the key"),
    ],
)
def test_a_checkpoint_that_was_changed_is_refused(logs, scratch, change, words):
    folder = _copy(logs[300][0], scratch)
    (folder / "checkpoint").write_bytes(change(logs[300][2]))

    assert words in str(_problem(folder))
    assert words in str(_problem(logs[300][0], since=change(logs[300][2])))


def test_another_key_verifies_nothing(logs):
    assert "not signed by the key" in str(_problem(logs[7][0], key=log_key().key))


def test_a_missing_checkpoint_is_said(tmp_path):
    assert "Its checkpoint cannot be read: No such file" in str(_problem(tmp_path))


def test_it_needs_cryptography_and_python_alone(logs, tmp_path):
    """An interpreter without site-packages, which sees handrail's sources and what `cryptography` consists of."""
    site = Path(__import__("cryptography").__file__).parents[1]
    for name in ("cryptography", "cffi", "pycparser", *(each.name for each in site.glob("_cffi_backend*"))):
        if (site / name).exists():
            (tmp_path / name).symlink_to(site / name)
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'plugins')!r}, {str(tmp_path)!r}]\n"
        "from pathlib import Path\n"
        "from handrail.approvals.adapters.log_verifier import LogVerifier\n"
        "from handrail.approvals.domain.notes import VerifierKey\n"
        f"verifier = LogVerifier(Path({str(logs[300][0])!r}), VerifierKey.parse({SIGNER.key.text!r}))\n"
        "print(verifier.verify().checkpoint.size)"
    )

    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "300"

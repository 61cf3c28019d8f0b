"""Files appear whole or not at all, synced before they get their name."""

import errno
import os
import subprocess
import sys
import threading

import pytest

from handrail.errors import Unavailable
from handrail.files import create_file, replace_file, replacing, sha256_of


@pytest.fixture
def calls(monkeypatch):
    """What the system is asked to do, in order, with the name that it is about."""
    seen = []
    fsync, rename, link = os.fsync, os.replace, os.link

    def name_of(descriptor):
        return os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append(("sync", name_of(fd))), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b, **more: (seen.append(("name", b.name)), rename(a, b, **more)))
    monkeypatch.setattr(os, "rename", lambda a, b, **more: (seen.append(("name", b.name)), rename(a, b, **more)))
    monkeypatch.setattr(os, "link", lambda a, b, **more: (seen.append(("name", b.name)), link(a, b, **more)))
    return seen


def kinds(calls, target):
    return [(kind, "folder" if name == target.parent.name else "file") for kind, name in calls]


def test_content_is_synced_before_it_gets_its_name_and_the_folder_after(tmp_path, calls):
    target = tmp_path / "state" / "file.json"

    replace_file(target, b"new")

    assert target.read_bytes() == b"new"
    assert kinds(calls, target) == [("sync", "file"), ("name", "file"), ("sync", "folder")]


def test_a_file_that_is_created_is_as_durable(tmp_path, calls):
    target = tmp_path / "keys" / "token"

    assert create_file(target, b"one") == b"one"

    assert kinds(calls, target) == [("sync", "file"), ("name", "file"), ("sync", "folder")]


def test_without_durability_nothing_is_synced(tmp_path, calls):
    replace_file(tmp_path / "now", b"2013-09-01", durable=False)

    assert [kind for kind, _ in calls] == ["name"]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_permissions_stand_before_the_content_does(tmp_path, mode):
    with replacing(tmp_path / "secret", mode=mode) as beside:
        assert beside.stat().st_mode & 0o777 == mode
        assert beside.stat().st_size == 0
        beside.write_bytes(b"content")

    assert (tmp_path / "secret").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_the_former_file_and_nothing_beside_it(tmp_path, error):
    target = tmp_path / "file"
    target.write_bytes(b"former")

    def fail():
        with replacing(target) as beside:
            beside.write_bytes(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()

    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"former")]


def test_a_killed_process_leaves_the_former_file(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"former")
    code = (
        "import os, signal, sys; from pathlib import Path; from handrail.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as beside:\n"
        "    beside.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )

    done = subprocess.run([sys.executable, "-c", code, str(target)])

    assert done.returncode == -9
    assert target.read_bytes() == b"former"


def test_a_full_disk_is_one_sentence_with_the_name_of_the_target(tmp_path):
    def full():
        with replacing(tmp_path / "file", remedy="Free the disk.") as beside:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(beside))

    with pytest.raises(Unavailable) as caught:
        full()

    assert str(caught.value) == f"{tmp_path / 'file'}: it cannot be written: no space left on device. Free the disk."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [replace_file, create_file])
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, write):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(Unavailable, match="it cannot be written: (not a directory|file exists)"):
        write(tmp_path / "file" / "below", b"x")


def test_of_many_that_create_a_file_one_wins_and_all_get_its_content(tmp_path):
    target, found = tmp_path / "keys" / "token", []
    gate = threading.Barrier(8)

    def create(number):
        gate.wait()
        found.append(create_file(target, b"%d" % number))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(found) == {target.read_bytes()}
    assert [file.name for file in target.parent.iterdir()] == ["token"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700


def test_the_first_content_of_a_created_file_stays(tmp_path):
    target = tmp_path / "deep" / "secret"

    assert create_file(target, b"one") == b"one"
    assert create_file(target, b"two") == b"one"
    assert [file.name for file in target.parent.iterdir()] == ["secret"]


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")

    assert sha256_of(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_error_about_another_file_is_not_blamed_on_the_target(tmp_path):
    def read_what_is_missing():
        with replacing(tmp_path / "file") as beside:
            beside.write_bytes((tmp_path / "source").read_bytes())

    with pytest.raises(FileNotFoundError, match="source"):
        read_what_is_missing()

    assert list(tmp_path.iterdir()) == []


def test_a_mask_of_the_process_takes_no_permission_away(tmp_path):
    before = os.umask(0o077)
    try:
        replace_file(tmp_path / "public", b"x", mode=0o644)
    finally:
        os.umask(before)

    assert (tmp_path / "public").stat().st_mode & 0o777 == 0o644

import os
import time

import pytest

from handrail.approvals.adapters.changed_files import ChangedFiles

pytestmark = pytest.mark.any_version


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "policy.yaml"
    _write(file, "one")
    return file


def _write(file, text, age_s=10):
    """Write a new file in the place of the old one, as editors do, or in place."""
    file.write_text(text)
    when = time.time() - age_s
    os.utime(file, (when, when))


def _reader(file):
    files, parsed = ChangedFiles(), []

    def parse():
        parsed.append(file.read_text())
        return parsed[-1]

    return lambda: files.read(file, parse), parsed


def test_a_file_that_stays_is_parsed_once(file):
    read, parsed = _reader(file)

    assert [read(), read(), read()] == ["one"] * 3
    assert parsed == ["one"]


@pytest.mark.parametrize("text", ["two", "three"])
@pytest.mark.parametrize("in_place", [True, False])
def test_a_changed_file_counts_at_the_next_look(file, text, in_place):
    read, _ = _reader(file)
    read()

    if in_place:
        _write(file, text, age_s=5)
    else:
        kept = file.stat()
        other = file.with_name("other")
        other.write_text(text)
        os.utime(other, ns=(kept.st_atime_ns, kept.st_mtime_ns))
        other.replace(file)

    assert read() == text


def test_a_file_of_this_very_moment_is_not_trusted_to_stay(file):
    _write(file, "one", age_s=0)
    read, parsed = _reader(file)
    read()
    state = file.stat()
    file.write_text("two")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))

    assert read() == "two"
    assert len(parsed) == 2


def test_a_mistake_is_not_kept(file):
    files = ChangedFiles()

    def fail():
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        files.read(file, fail)
    assert files.read(file, lambda: "right") == "right"


def test_a_file_that_is_gone_is_asked_for_again(file):
    read, _ = _reader(file)
    read()
    file.unlink()

    with pytest.raises(FileNotFoundError):
        read()

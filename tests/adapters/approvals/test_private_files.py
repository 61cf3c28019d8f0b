import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from handrail.approvals.adapters.private_files import replace_file, write_once
from handrail.errors import Unavailable


def test_the_first_content_stays_and_is_private(tmp_path):
    file = tmp_path / "deep" / "secret"

    assert write_once(file, b"one") == b"one"
    assert write_once(file, b"two") == b"one"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_of_many_writers_all_get_the_same_content(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(lambda number: write_once(tmp_path / "s", b"%d" % number), range(32)))

    assert len(seen) == 1


def test_a_file_is_replaced_at_once(tmp_path):
    replace_file(tmp_path / "f", b"one")
    replace_file(tmp_path / "f", b"two", mode=0o600)

    assert (tmp_path / "f").read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


@pytest.mark.parametrize("write", [write_once, replace_file])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, write):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(Unavailable, match="cannot be written"):
        write(tmp_path / "file" / "below", b"x")

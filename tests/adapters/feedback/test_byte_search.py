"""A search by bytes finds each spelling, in packed files too, and no longer name of somebody else."""

import gzip
import zipfile
from base64 import b64encode
from random import Random
from string import ascii_letters

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handrail.feedback.adapters.byte_search import FolderLeftovers, search_file
from handrail.feedback.domain.spellings import spellings

WHO, LONGER = "ada@example.com", "ada@example.com.au"


@pytest.mark.parametrize("way", spellings('Zoë/7 "x"'))
def test_each_spelling_is_found(tmp_path, way):
    needles = spellings('Zoë/7 "x"')
    file = tmp_path / "file"
    file.write_bytes(b"\x00\x01" + needles[way] + b"\x02")

    assert search_file(file, needles) is not None


@pytest.mark.parametrize("shift", range(6))
def test_base64_is_found_wherever_it_begins(tmp_path, shift):
    file = tmp_path / "file"
    file.write_bytes(b64encode(b"x" * shift + WHO.encode() + b"yz"))

    assert search_file(file, spellings(WHO)).startswith("base64")


def written(folder, kind):
    file, text = folder / kind, f"a,{WHO},b".encode()
    noise = "".join(Random(1).choices(ascii_letters, k=9_000)).encode()  # so that letters are packed, too
    if kind == "gzip":
        file.write_bytes(gzip.compress(b"x" * 9_000_000 + text))
    if kind == "zstd":
        with pa.CompressedOutputStream(str(file), "zstd") as stream:
            stream.write(noise + text)
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.csv", text * 3)
    if kind == "parquet":
        pq.write_table(pa.table({"who": pa.array([WHO, WHO]).dictionary_encode()}), file, compression="zstd")
    if kind == "arrow":
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        table = pa.table({"who": [WHO] * 50})
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)
    return file


@pytest.mark.parametrize("kind", ["gzip", "zstd", "zip", "parquet", "arrow"])
def test_packed_files_are_unpacked(tmp_path, kind):
    file = written(tmp_path, kind)

    assert WHO.encode() not in file.read_bytes() or kind in ("parquet", "arrow")
    assert search_file(file, spellings(WHO)) is not None
    assert search_file(file, spellings("somebody else")) is None


def test_a_longer_name_of_somebody_else_does_not_count(tmp_path):
    (tmp_path / "one").write_bytes(b"x" + LONGER.encode() + b"x")
    (tmp_path / "two").write_bytes(LONGER.encode() + WHO.encode())

    found = FolderLeftovers([tmp_path]).search(spellings(WHO), [LONGER.encode()])

    assert [place for place, _ in found] == [str(tmp_path / "two")]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "one").symlink_to(tmp_path / "one")

    assert [*FolderLeftovers([tmp_path]).search(spellings(WHO), [])] == [(str(tmp_path / "one"), "it cannot be read")]

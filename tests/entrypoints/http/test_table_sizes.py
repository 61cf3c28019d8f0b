"""How large a packed table becomes: as large as it says, and refused before it is unpacked."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from handrail.entrypoints.http import table_sizes
from handrail.entrypoints.http.feedback_formats import ARROW, PARQUET
from handrail.entrypoints.http.table_sizes import Unreadable, arrow_size, parquet_size
from tests.entrypoints.http.test_feedback import EVENT, Platform, assert_problem
from tests.entrypoints.http.test_feedback_formats import post
from tests.fakes.feedback_bodies import a_table, as_arrow, as_parquet

TABLE = a_table([EVENT | {"prediction_id": f"p{place % 7}"} for place in range(2_000)])


def sizes_of(table, **options):
    body = as_parquet(table, **options)
    return parquet_size(body, parquet.read_metadata(pa.BufferReader(body)))


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_a_packed_stream_is_as_large_as_one_that_is_not(codec):
    plain, packed = as_arrow(TABLE), as_arrow(TABLE, compression=codec)

    assert len(packed) < len(plain) / 2
    assert abs(arrow_size(packed) - arrow_size(plain)) < len(plain) / 20
    assert arrow_size(plain) <= len(plain)


def test_dictionaries_count_too():
    texts = pa.array(["x" * 100_000, "y"]).dictionary_encode()
    table = pa.table({"kind": texts})

    assert arrow_size(as_arrow(table, compression="zstd")) > 100_000


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip"])
def test_pages_are_as_large_as_the_footer_says(codec, version):
    body = as_parquet(TABLE, compression=codec, data_page_version=version, row_group_size=700)
    described = parquet.read_metadata(pa.BufferReader(body))
    groups = [described.row_group(number) for number in range(described.num_row_groups)]
    said = sum(group.column(number).total_uncompressed_size for group in groups for number in range(group.num_columns))

    # The footer counts the headers of pages too.
    assert said * 0.5 < parquet_size(body, described) <= said


def test_texts_whose_size_nothing_states_are_refused():
    with pytest.raises(Unreadable, match="DELTA_BYTE_ARRAY"):
        sizes_of(TABLE, use_dictionary=False, column_encoding={"kind": "DELTA_BYTE_ARRAY"})


@pytest.fixture
def pool():
    """What Arrow allocates from now on."""
    before, counted = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    yield counted
    pa.set_memory_pool(before)


def a_bomb_of_numbers(rows=20_000_000):
    zeros = pa.Array.from_buffers(pa.float64(), rows, [None, pa.py_buffer(bytes(rows * 8))])
    names = a_table([EVENT]).column_names
    batch = pa.record_batch([zeros if name == "value" else pa.nulls(rows) for name in names], names=names)
    return as_arrow(pa.Table.from_batches([batch]), compression="zstd")


def a_bomb_of_text(length=150_000_000):
    table = a_table([EVENT]).drop_columns(["kind"]).append_column("kind", pa.array(["x" * length]))
    return as_parquet(table, compression="zstd", use_dictionary=False, write_statistics=False)


@pytest.mark.parametrize(("media", "make"), [(ARROW, a_bomb_of_numbers), (PARQUET, a_bomb_of_text)])
def test_a_bomb_inside_a_table_is_refused_without_its_memory(pool, media, make):
    body = make()
    pa.set_memory_pool(pool)

    problem = assert_problem(post(Platform(), body, media), 413)

    assert "It unpacks to" in problem["detail"]
    assert len(body) < 1_000_000
    assert pool.max_memory() < 10_000_000


def test_a_footer_that_lies_does_not_hide_a_page():
    body = as_parquet(TABLE, compression="zstd")
    honest = parquet.read_metadata(pa.BufferReader(body))

    assert parquet_size(body, honest) > 0
    with pytest.raises(Unreadable):
        parquet_size(b"\x00" * len(body), honest)


def test_headers_of_pages_are_bounded():
    for damaged in (b"\x1c" * 40, b"\x15" + b"\xff" * 12 + b"\x00", b"\x19\x15\x00", b"\x05"):
        with pytest.raises((Unreadable, IndexError)):
            table_sizes._thrift(damaged, 0)

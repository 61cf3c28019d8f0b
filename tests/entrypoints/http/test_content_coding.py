"""Packed bodies: gzip and zstd, damaged ones, and those that unpack to too much."""

import gzip
import tracemalloc
import zlib

import pyarrow as pa
import pytest

from handrail.entrypoints.http.content_coding import FREE, unpack
from handrail.entrypoints.http.feedback_formats import ARROW, NDJSON
from handrail.entrypoints.http.problems import Rejection
from tests.entrypoints.http.test_feedback import EVENT, Platform, assert_problem
from tests.entrypoints.http.test_feedback_formats import post
from tests.fakes.feedback_bodies import as_ndjson, in_each_format


@pytest.fixture
def platform():
    return Platform()


@pytest.mark.parametrize("coding", ["gzip", "zstd", "GZIP", "identity", "x-gzip"])
@pytest.mark.parametrize("media", [NDJSON, ARROW])
def test_a_packed_body_is_unpacked(platform, media, coding):
    content = in_each_format([EVENT])[media]
    packed = content
    if "gzip" in coding.lower():
        packed = gzip.compress(content)
    if coding == "zstd":
        packed = pa.compress(content, "zstd", asbytes=True)

    assert post(platform, packed, media, **{"content-encoding": coding}).status_code == 201


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "gzip, zstd"])
def test_another_coding_is_refused_with_those_that_are_taken(platform, coding):
    answer = post(platform, b"x", NDJSON, **{"content-encoding": coding})

    assert_problem(answer, 415)
    assert answer.headers["accept-encoding"] == "gzip, zstd"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-3], lambda packed: packed + b"more", lambda _packed: b"text"]
)
def test_a_damaged_package_is_refused(platform, coding, damage):
    content = as_ndjson([EVENT])
    packed = gzip.compress(content) if coding == "gzip" else pa.compress(content, "zstd", asbytes=True)

    assert assert_problem(post(platform, damage(packed), NDJSON, **{"content-encoding": coding}), 400)
    assert platform.feedback.status().feedback == 0


def a_bomb(coding):
    """Return 200 MB of line ends, packed."""
    lines = b"\n" * 1_000_000
    if coding == "gzip":
        packer = zlib.compressobj(1, wbits=31)
        return b"".join(packer.compress(lines) for _ in range(200)) + packer.flush()
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        for _ in range(200):
            stream.write(lines)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_bomb_is_refused_without_its_memory(platform, coding):
    packed = a_bomb(coding)
    tracemalloc.start()

    answer = post(platform, packed, NDJSON, **{"content-encoding": coding})

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_problem(answer, 413)
    assert len(packed) < 1_000_000
    assert peak < (100_000_000 if coding == "gzip" else 10_000_000)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize(
    ("size", "limit", "said"), [(FREE + 1, 10**9, "times its size"), (1001, 1000, "larger than 1,000")]
)
def test_unpacking_ends_at_the_limit(coding, size, limit, said):
    content = bytes(size)
    packed = gzip.compress(content) if coding == "gzip" else pa.compress(content, "zstd", asbytes=True)

    with pytest.raises(Rejection) as refused:
        unpack(packed, coding, limit, "Send less.")

    assert refused.value.status == 413
    assert said in refused.value.detail
    assert unpack(packed, coding, size, "") == content if size <= FREE else True


def test_a_body_larger_than_the_setting_is_refused(platform):
    platform.settings = platform.settings.model_copy(update={"feedback_max_bytes": 1_000})
    content = as_ndjson([EVENT] * 10)

    async def chunks():
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    for sent in (content, chunks()):
        assert "feedback_max_bytes" in assert_problem(post(platform, sent, NDJSON), 413)["detail"]
    assert platform.feedback.status().feedback == 0

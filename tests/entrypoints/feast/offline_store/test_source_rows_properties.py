"""Whatever types files hold a column in: each value comes out as it is, or the source is refused."""

import math
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from tempfile import TemporaryDirectory

import pyarrow as pa
from feast.types import Float32, Float64, Int32, Int64, String, UnixTimestamp
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from tests.entrypoints.feast.offline_store.drifting import values_of, write_files
from tests.fakes.effort import tried

INTEGERS = {pa.int8(): 2**7, pa.int16(): 2**15, pa.int32(): 2**31, pa.int64(): 2**63}


def _arrays():
    whole = [
        st.lists(st.none() | st.integers(-most, most - 1), min_size=1, max_size=3).map(lambda v, k=kind: pa.array(v, k))
        for kind, most in INTEGERS.items()
    ]
    floats = st.lists(st.none() | st.floats() | st.integers(-9, 9).map(float), min_size=1, max_size=3)
    narrow = st.lists(st.none() | st.floats(width=32), min_size=1, max_size=3)
    decimals = st.lists(
        st.decimals(-(10**8) + 1, 10**8 - 1, places=2) | st.integers(0, 9).map(Decimal), min_size=1, max_size=3
    )
    texts = st.lists(st.none() | st.integers().map(str) | st.text("0189-.e", max_size=4), min_size=1, max_size=3)
    return st.one_of(
        *whole,
        floats.map(lambda v: pa.array(v, pa.float64())),
        narrow.map(lambda v: pa.array(v, pa.float32())),
        decimals.map(lambda v: pa.array(v, pa.decimal128(10, 2))),
        texts.map(lambda v: pa.array(v, pa.string())),
        texts.map(lambda v: pa.array(v, pa.string()).dictionary_encode()),
        st.lists(st.none() | st.booleans(), min_size=1, max_size=3).map(lambda v: pa.array(v, pa.bool_())),
        st.just(pa.nulls(2)),
        st.none(),
    )


def _is_missing(value, declared):
    return value is None or (isinstance(value, float) and math.isnan(value) and declared not in (Float32, Float64))


def _same(before, after):
    """Whether two values are the same number, text or truth value, compared without rounding."""
    if isinstance(before, str) and isinstance(after, str):
        return before == after
    if isinstance(before, str) and isinstance(after, int):
        return str(after) == before
    if isinstance(before, str):
        return float(before) == after or (math.isnan(float(before)) and math.isnan(after))
    if isinstance(after, str):
        return str(before) == after
    if isinstance(before, Decimal) and isinstance(after, float):
        return Decimal(repr(after)) == before
    if isinstance(before, float) and not math.isfinite(before):
        return before == after or (math.isnan(before) and math.isnan(after))
    return Fraction(before) == Fraction(after)


def _fits(value, declared):
    """Whether a declared number can represent a number."""
    if isinstance(value, float) and not math.isfinite(value):
        return declared in (Float32, Float64)
    if declared in (Float32, Float64):
        return _same(value, float(value))
    most = 2**31 if declared == Int32 else 2**63
    return Fraction(value).denominator == 1 and -most <= value < most


@tried(200)
@given(
    files=st.lists(_arrays(), min_size=1, max_size=4),
    declared=st.sampled_from([Int32, Int64, Float32, Float64, String]),
)
def test_every_value_comes_out_as_it_is_or_is_refused(files, declared):
    before = [value for file in files for value in ([None] if file is None else file.to_pylist())]
    if all(file is None for file in files):
        return
    numbers = all(isinstance(value, int | float | Decimal) for value in before if value is not None)
    fits = numbers and all(_is_missing(value, declared) or _fits(value, declared) for value in before)
    with TemporaryDirectory() as folder:
        write_files(folder, files)
        if declared == String or not fits:
            try:
                after = values_of(folder, declared).to_pylist()
            except InvalidInput:
                return
        else:
            after = values_of(folder, declared).to_pylist()

    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert other is None if _is_missing(one, declared) and other is None else _same(one, other)


@tried(100)
@given(
    times=st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=4),
    units=st.lists(st.sampled_from(["ms", "us", "ns"]), min_size=4, max_size=4),
    zones=st.lists(st.sampled_from([None, "UTC", "Asia/Kolkata"]), min_size=4, max_size=4),
)
def test_moments_stay_the_same_over_all_units_and_zones(times, units, zones):
    files = [
        pa.array([at - timedelta(microseconds=at.microsecond % 1000)], pa.timestamp("us")).cast(
            pa.timestamp(unit, zone)
        )
        for at, unit, zone in zip(times, units, zones, strict=False)
    ]
    moments = [file.cast(pa.timestamp("ns", file.type.tz))[0].value for file in files]
    with TemporaryDirectory() as folder:
        write_files(folder, files)
        column = values_of(folder, UnixTimestamp)

    assert [moment.value for moment in column.cast(pa.timestamp("ns", column.type.tz))] == moments

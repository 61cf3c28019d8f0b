"""Keys of one family are equal across widths and units; what one side cannot hold equals nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from handrail.errors import InvalidInput
from handrail.point_in_time import FeatureTable, Join

START = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def _found(own, entity):
    entities = pl.DataFrame({"id": entity, "ts": [START + DAY] * len(entity)})
    rows = pl.LazyFrame({"k": own, "t": [START] * len(own), "v": list(range(len(own)))})
    join = Join(entities.schema, "ts", [FeatureTable("f", rows, "t", {"k": "id"}, {"v": "v"})])
    join.check()
    return join.run(entities)["v"].to_list()


def _times(unit, zone, *days):
    moments = pl.Series([START + n * DAY for n in days]).dt.cast_time_unit(unit)
    return moments.dt.replace_time_zone(None) if zone is None else moments.dt.convert_time_zone(zone)


@pytest.mark.parametrize("own", [("ms", None), ("us", "UTC"), ("ns", "America/New_York")])
@pytest.mark.parametrize("entity", [("ms", "UTC"), ("us", None), ("ns", "Asia/Kolkata")])
def test_times_as_keys_are_compared_as_moments(own, entity):
    assert _found(_times(*own, 0, 1), _times(*entity, 1, 5, 0)) == [1, None, 0]


def test_a_nanosecond_more_is_another_key():
    own = pl.Series([1_577_836_800_000_000]).cast(pl.Datetime("us", "UTC"))
    entity = pl.Series([1_577_836_800_000_000_000, 1_577_836_800_000_000_001]).cast(pl.Datetime("ns", "UTC"))

    assert _found(own, entity) == [0, None]


@pytest.mark.parametrize(
    ("own", "entity", "found"),
    [
        (pl.Series([2**63 + 5, 1], dtype=pl.UInt64), pl.Series([2**63 + 5, 1], dtype=pl.UInt64), [0, 1]),
        (pl.Series([2**63 + 5, 1], dtype=pl.UInt64), pl.Series([-1, 1]), [None, 1]),
        (pl.Series([5, 1]), pl.Series([2**63 + 5, 1], dtype=pl.UInt64), [None, 1]),
        (pl.Series([1, 2], dtype=pl.Int8), pl.Series([300, 2]), [None, 1]),
        (pl.Series([1.0, 2.0, None]), pl.Series([2, 3, None]), [1, None, None]),
        (pl.Series([1.5, float("nan")]), pl.Series([1.5, float("nan")]), [0, None]),
        (pl.Series([2.0**53]), pl.Series([2**53, 2**53 + 1]), [0, None]),
        (pl.Series([1, 2]), pl.Series([float("inf"), 2.0, 1e300]), [None, 1, None]),
        (pl.Series([Decimal("1.50")]), pl.Series([Decimal("1.5"), Decimal("1.6")]), [0, None]),
        (pl.Series([b"a", b"b"]), pl.Series([b"b", b"c"]), [1, None]),
        (pl.Series([True, False, None]), pl.Series([False, True, None]), [1, 0, None]),
        (pl.Series([START.date()]), pl.Series([START.date(), (START + DAY).date()]), [0, None]),
        (pl.Series(["a"]), pl.Series([None, None]), [None, None]),
    ],
)
def test_a_value_that_one_side_cannot_hold_equals_nothing(own, entity, found):
    assert _found(own, entity) == found


@pytest.mark.parametrize(
    ("own", "entity"),
    [
        (pl.Series([START]), pl.Series([1])),
        (pl.Series([START.date()]), pl.Series([START])),
        (pl.Series(["a"]), pl.Series([b"a"])),
        (pl.Series([True]), pl.Series([1])),
    ],
)
def test_keys_of_two_families_are_refused(own, entity):
    with pytest.raises(InvalidInput, match=r"f:k.*'id'"):
        _found(own, entity)


def test_a_key_may_not_have_the_name_of_the_joins_own_column():
    entities = pl.DataFrame({"__at": [1], "ts": [START]})
    rows = pl.LazyFrame({"k": [1], "t": [START], "v": [7]})

    with pytest.raises(InvalidInput, match="f:k.*Rename"):
        Join(entities.schema, "ts", [FeatureTable("f", rows, "t", {"k": "__at"}, {"v": "v"})]).check()

"""What is stored is named and written as it always was: other values would not fit what older releases stored."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

from handrail.lineage.adapters.sql.tables import digest_row, node_id, to_moment, to_text

EVENING = datetime(2026, 11, 23, 20, 30, 1, 5, tzinfo=timezone(timedelta(hours=8)))


def test_a_node_is_stored_under_the_first_63_bits_of_the_sha256_of_its_uri():
    assert node_id("s3://lake/a") == int(sha256(b"s3://lake/a").hexdigest()[:16], 16) // 2
    assert 0 <= node_id("s3://lake/b") < 2**63


def test_a_rows_digest_covers_each_text_and_its_place():
    rows = [("a", None), (None, "a"), ("a", ""), ("a", "None"), ("a",), ("a, null",)]

    assert len({digest_row(row) for row in rows}) == len(rows)
    assert digest_row(("a", None, "\u00e9")) == sha256(b'["a", null, "\\u00e9"]').hexdigest()


def test_a_moment_is_stored_in_utc_as_a_text_that_sorts_as_it_does():
    moments = [EVENING + timedelta(microseconds=step) for step in (-10, -5, 0, 1)]

    assert to_text(EVENING) == "2026-11-23T12:30:01.000005+00:00"
    assert to_text(moments[1]) == "2026-11-23T12:30:01.000000+00:00"
    assert [to_text(each) for each in moments] == sorted(str(to_text(each)) for each in moments)
    assert [to_moment(to_text(each)) for each in (*moments, None)] == [*moments, None]
    assert to_moment(to_text(EVENING)).tzinfo is UTC

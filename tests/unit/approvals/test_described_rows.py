"""Descriptions of rows that another process gives: nothing in them is trusted."""

import json

import pytest

from handrail.approvals.domain.described_rows import described_from, read_description

GOOD = {
    "rows": 600,
    "labelled": 590,
    "clusters": 31,
    "first": "2013-07-01",
    "last": "2013-07-31",
    "columns": ["late", "day"],
    "label": {"0": 0.8, "1": 0.2},
}


def test_a_description_is_read_and_written_alike():
    assert read_description(json.dumps(GOOD).encode()).to_json() == GOOD


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": -1},
        {"rows": True},
        {"rows": 1.5},
        {"first": 7},
        {"columns": "late"},
        {"columns": ["x" * 201]},
        {"columns": ["x"] * 501},
        {"columns": [1]},
        {"label": []},
        {"label": {"0": float("nan")}},
        {"label": {"0": "half"}},
        {"label": {"x" * 201: 0.5}},
        {"more": 1},
    ],
)
def test_anything_else_is_refused(changed):
    with pytest.raises(ValueError, match=r"\w"):
        described_from(GOOD | changed)


@pytest.mark.parametrize("text", [b"", b"[", b"[" * 100_000, b"1", b"[]", b"{}", b" " * 2_000_000])
def test_what_is_no_description_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        read_description(text)

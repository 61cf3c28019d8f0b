"""Acquiring a larger table takes no more memory, and says how far it is."""

from tests.benchmarks.acquisition_memory import acquire

MB = 10**6
SMALL, LARGE, ROW_BYTES = 25 * MB, 60 * MB, 300
"""The small one fills the cache of 32 MB that the store has."""
MOST_MORE = 12 * MB
"""What the larger one may take more: less than half of what it has more."""


def test_memory_does_not_grow_with_the_table_and_progress_is_shown(tmp_path):
    small = acquire(tmp_path / "small", SMALL, ROW_BYTES)
    large = acquire(tmp_path / "large", LARGE, ROW_BYTES)

    assert large.peak_bytes - small.peak_bytes < MOST_MORE, (small.peak_bytes, large.peak_bytes)
    assert large.rows > 100_000
    assert "readings: 100,000 rows read" in large.said
    assert f"{large.rows:,} new rows" in large.said

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.steps.project.outputs import fresh_folder, write_json, write_parquet
from handrail.files import sha256_of


def test_an_interrupted_stage_leaves_its_former_outputs_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with fresh_folder(target) as folder:
        (folder / "a").write_text("first", encoding="ascii")

    with pytest.raises(KeyboardInterrupt):
        _write_half(target)

    assert (target / "a").read_text(encoding="ascii") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _write_half(target: Path) -> None:
    with fresh_folder(target) as folder:
        (folder / "a").write_text("half", encoding="ascii")
        raise KeyboardInterrupt


def test_a_new_output_holds_nothing_of_the_former_one(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with fresh_folder(tmp_path / "out") as folder:
            (folder / name).touch()

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new"]


def test_what_a_killed_stage_left_beside_its_target_is_not_mixed_in(tmp_path: Path) -> None:
    (tmp_path / ".out.next").mkdir()
    (tmp_path / ".out.next" / "rubbish").touch()

    with fresh_folder(tmp_path / "out") as folder:
        (folder / "a").touch()

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_the_same_rows_are_the_same_bytes_and_moments_are_microseconds(tmp_path: Path) -> None:
    frame = pl.DataFrame({"at": [datetime(2013, 1, 1, tzinfo=UTC)] * 3, "n": [1.5, None, 3.0]})

    write_parquet(frame.with_columns(pl.col("at").dt.cast_time_unit("ns")), tmp_path / "a.parquet")
    write_parquet(frame, tmp_path / "b.parquet")

    assert sha256_of(tmp_path / "a.parquet") == sha256_of(tmp_path / "b.parquet")
    assert pl.read_parquet(tmp_path / "a.parquet").schema["at"] == pl.Datetime("us", "UTC")


def test_json_does_not_depend_on_the_order_of_keys_and_refuses_what_is_no_number(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    write_json(tmp_path / "b.json", {"a": 2, "b": 1})

    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})

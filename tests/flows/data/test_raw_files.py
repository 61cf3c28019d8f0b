from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.steps.data.raw_files import read_raw
from handrail.errors import InvalidInput

FLIGHTS = "flights/2013-01.csv"


def _lines(raw: Path) -> list[bytes]:
    return (raw / FLIGHTS).read_bytes().splitlines(keepends=True)


def _missing(raw: Path) -> None:
    (raw / FLIGHTS).unlink()


def _truncated(raw: Path) -> None:
    (raw / FLIGHTS).write_bytes(b"".join(_lines(raw)[:-7]))


def _cut_inside_a_row(raw: Path) -> None:
    (raw / FLIGHTS).write_bytes((raw / FLIGHTS).read_bytes()[:-10])


def _reordered(raw: Path) -> None:
    header, first, second, *rest = _lines(raw)
    (raw / FLIGHTS).write_bytes(b"".join([header, second, first, *rest]))


def _one_value_changed(raw: Path) -> None:
    (raw / FLIGHTS).write_bytes((raw / FLIGHTS).read_bytes().replace(b",UA,", b",AA,", 1))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (_missing, "data/raw/flights/2013-01.csv: it is missing, but the manifest names it"),
        (_truncated, "data/raw/flights/2013-01.csv: it has "),
        (_cut_inside_a_row, "data/raw/flights/2013-01.csv: it has "),
        (_reordered, "data/raw/flights/2013-01.csv: its rows were reordered or altered"),
        (_one_value_changed, "data/raw/flights/2013-01.csv: its rows were reordered or altered"),
    ],
)
def test_a_harmed_file_is_refused_by_name_with_the_remedy(
    project: Path, harm: Callable[[Path], None], sentence: str
) -> None:
    raw = project / "data" / "raw"
    harm(raw)

    with pytest.raises(InvalidInput) as caught:
        read_raw(raw)

    assert str(caught.value).startswith(sentence)
    assert "dvc checkout data/raw" in str(caught.value)


def test_a_file_that_the_manifest_does_not_name_is_refused(project: Path) -> None:
    raw = project / "data" / "raw"
    (raw / "flights" / "2012-12.csv").write_text("a\n", encoding="ascii")

    with pytest.raises(InvalidInput, match=r"data/raw/flights/2012-12.csv: the manifest does not name it"):
        read_raw(raw)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "it is missing"),
        ("{", "it is not a manifest"),
        ('{"flights/2013-01.csv": 3}', "it is not a manifest"),
        ("[]", "it is not a manifest"),
        ('{"trains.csv": {"rows": 1, "sha256": ""}}', "which belongs to no table"),
    ],
)
def test_a_manifest_that_is_none_is_refused(project: Path, text: str | None, sentence: str) -> None:
    manifest = project / "data" / "raw" / "manifest.json"
    manifest.unlink()
    if text is not None:
        manifest.write_text(text, encoding="ascii")

    with pytest.raises(InvalidInput, match=f"data/raw/manifest.json: .*{sentence}"):
        read_raw(project / "data" / "raw")


def test_a_month_that_both_the_folder_and_the_manifest_lack_is_noticed(project: Path) -> None:
    manifest = project / "data" / "raw" / "manifest.json"
    named = json.loads(manifest.read_text(encoding="utf-8"))
    named["flights/2013-03.csv"] = named[FLIGHTS]
    manifest.write_text(json.dumps(named), encoding="utf-8")

    with pytest.raises(InvalidInput, match=r"data/raw/flights: the month after 2013-01 is missing"):
        read_raw(project / "data" / "raw")


def test_a_manifest_without_a_table_is_refused(project: Path) -> None:
    manifest = project / "data" / "raw" / "manifest.json"
    named = json.loads(manifest.read_text(encoding="utf-8"))
    del named["airlines.csv"]
    (project / "data" / "raw" / "airlines.csv").unlink()
    manifest.write_text(json.dumps(named), encoding="utf-8")

    with pytest.raises(InvalidInput, match="it names no file of airlines"):
        read_raw(project / "data" / "raw")

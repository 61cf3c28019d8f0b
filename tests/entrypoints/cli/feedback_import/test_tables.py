"""Tables as businesses export them: columns under other names, constants, zones, packed files, rows that are wrong."""

import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from handrail.bootstrap import open_platform
from handrail.errors import InvalidInput
from handrail.feedback import prediction_id_for

MAPPED = ("--kind", "ground_truth", "--source", "erp", "--map", "prediction_id=order", "--map", "value=late")
MOMENT = ("--map", "occurred_at=landed")
EXPORT = "order,late,landed,carrier\np1,1,2013-08-01T13:00:00Z,UA\np2,0,2013-08-01T14:00:00Z,AA\n"
BOTH = {"p1": [(1.0, "2013-08-01T13:00:00+00:00")], "p2": [(0.0, "2013-08-01T14:00:00+00:00")]}


def zstd(text):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(text)
    return sink.getvalue().to_pybytes()


def parquet(**columns):
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


PLAIN = EXPORT.encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", PLAIN, id="plain"),
        pytest.param("a.csv", b"\xef\xbb\xbf" + PLAIN, id="with a byte order mark"),
        pytest.param("a.csv", PLAIN.replace(b"\n", b"\r\n"), id="Windows line ends"),
        pytest.param("a.csv", PLAIN.rstrip(b"\n"), id="no last line end"),
        pytest.param("a.csv", PLAIN.replace(b",", b";"), id="semicolons"),
        pytest.param("a.tsv", PLAIN.replace(b",", b"\t"), id="tabs"),
        pytest.param("a.csv", EXPORT.encode("utf-16"), id="UTF-16"),
        pytest.param("a.csv.gz", gzip.compress(PLAIN, mtime=0), id="gzip"),
        pytest.param("a.csv.zst", zstd(PLAIN), id="zstd"),
        pytest.param("a.dat", gzip.compress(PLAIN, mtime=0), id="gzip and CSV by their beginning"),
        pytest.param("a.dat", zstd(EXPORT.encode("utf-16")), id="zstd and UTF-16 by their beginning"),
        pytest.param("a.csv", b"\n\n" + PLAIN, id="empty lines before the header"),
        pytest.param("a.csv", PLAIN.replace(b"UA", b'"UA, ""the one""\nof two lines"'), id="a cell of two lines"),
    ],
)
def test_an_export_is_read_as_it_is(run, project, about, name, content):
    (project / name).write_bytes(content)

    result = run(project / name, *MAPPED, *MOMENT)

    assert (result.exit_code, result.stdout) == (0, "2 recorded, 0 known already.\n")
    assert "Columns that are not read: carrier." in result.stderr
    assert about("p1", "p2") == BOTH


@pytest.mark.parametrize("content", [PLAIN, gzip.compress(PLAIN, mtime=0), zstd(PLAIN)], ids=["plain", "gzip", "zstd"])
def test_stdin_is_read_packed_or_not(run, about, content):
    assert run("-", *MAPPED, *MOMENT, stdin=content).exit_code == 0

    assert about("p1", "p2") == BOTH


@pytest.mark.parametrize("packed", [lambda data: data, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("through", ["file", "stdin"])
def test_parquet_is_read_with_its_types(run, project, about, packed, through):
    content = packed(
        parquet(
            order=pa.array([17.0, 18.0]),
            late=pa.array([Decimal("1"), Decimal("0")]),
            landed=pa.array([datetime(2013, 8, 1, 13, tzinfo=UTC)] * 2, pa.timestamp("ns", "UTC")),
            other=pa.array([b"x", b"y"]),
        )
    )
    (project / "a.parquet").write_bytes(content)

    words = ("-",) if through == "stdin" else (project / "a.parquet",)
    result = run(*words, *MAPPED, *MOMENT, stdin=content if through == "stdin" else None)

    assert result.stdout == "2 recorded, 0 known already.\n"
    assert about("17", "18")["17"] == [(1.0, "2013-08-01T13:00:00+00:00")]


def test_ndjson_is_mapped_too(run, about):
    line = json.dumps({"order": "p1", "late": True, "landed": "2013-08-01T09:00", "carrier": "UA"})

    assert run("-", *MAPPED, *MOMENT, "--zone", "America/New_York", stdin=line).exit_code == 0
    assert about("p1") == {"p1": BOTH["p1"]}


def test_days_and_moments_without_a_zone_need_one(run, project, about):
    (project / "a.parquet").write_bytes(parquet(order=["p1"], late=[1], landed=[date(2013, 8, 1)]))

    refused = run(project / "a.parquet", *MAPPED, *MOMENT)
    taken = run(project / "a.parquet", *MAPPED, *MOMENT, "--zone", "America/New_York")

    assert refused.exit_code == 1
    assert "a.parquet row 1: occurred_at: '2013-08-01' has no time zone" in refused.stderr
    assert taken.exit_code == 0
    assert about("p1") == {"p1": [(1.0, "2013-08-01T04:00:00+00:00")]}


def test_predictions_are_imported_and_named_by_what_they_are(run, project):
    (project / "made.csv").write_text(
        "machine,at,p,decided\nm-7,2013-08-01T08:00Z,0.7,yes\nm-8,2013-08-01T08:00Z,,no\n"
    )
    words = ("--map", "subject=machine", "--map", "made_at=at", "--map", "score=p", "--map", "label=decided")

    result = run(project / "made.csv", *words, "--set", "deployment=deploy://local/espresso/1")

    assert result.stdout == "1 recorded, 0 known already.\n"
    assert "made.csv line 3: score: it is missing." in result.stderr
    name = prediction_id_for("deploy://local/espresso/1", "m-7", datetime(2013, 8, 1, 8, tzinfo=UTC))
    with open_platform() as platform:
        made = platform.feedback.find_prediction(name)
    assert (made.subject, made.score, made.label) == ("m-7", 0.7, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("p3,maybe,2013-08-01T13:00:00Z", "value: 'maybe' is not a number"),
        ("p3,7,2013-08-01T13:00:00Z", "value: 7.0 is not a ground_truth"),
        ("p3,nan,2013-08-01T13:00:00Z", "value: nan is not a finite number"),
        ("p3,1e999,2013-08-01T13:00:00Z", "value: inf is not a finite number"),
        ("p3,1,1375362000", "occurred_at: '1375362000' is not a moment"),
        ("p3,1,yesterday", "occurred_at: 'yesterday' is not a moment"),
        ("p3,1,", "occurred_at: it is missing"),
        (",1,2013-08-01T13:00:00Z", "prediction_id: it is missing"),
        ("p3,,2013-08-01T13:00:00Z", "value: it is missing"),
        ("p3,1", "row: it has 2 cells, and the header 3"),
        ("p3,1,2013-08-01T13:00:00Z,more", "row: it has 4 cells, and the header 3"),
        ("p" * 501 + ",1,2013-08-01T13:00:00Z", "prediction_id: 'pppp"),
        ('p3,1,"2013-08-01T13:00:00Z', "line: its quotes cannot be read"),
        ('"p3"x,1,2013-08-01T13:00:00Z', "line: its quotes cannot be read"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_the_others_are_recorded(run, project, about, row, said):
    good = [f"p{number},1,2013-08-01T13:00:00Z" for number in range(10, 20)]
    (project / "a.csv").write_text("\n".join(["order,late,landed", *good[:5], row, *good[5:]]) + "\n")

    result = run(project / "a.csv", *MAPPED, *MOMENT, "--json")

    assert result.exit_code == 1
    assert f"a.csv line 7: {said}" in result.stderr
    counts = json.loads(result.stdout)
    assert (counts["accepted"], counts["refused_count"], counts["refused"][0]["place"]) == (10, 1, "a.csv line 7")
    assert all(about(*(each.partition(",")[0] for each in good)).values())


def test_what_was_set_aside_can_be_repaired(run, project, about):
    from typer.testing import CliRunner

    from handrail.entrypoints.cli import build

    (project / "a.csv").write_text("order,late,landed\np3,maybe,2013-08-01T09:00\n")
    run(project / "a.csv", *MAPPED, *MOMENT, "--zone", "America/New_York")

    repaired = CliRunner().invoke(build(), ["feedback", "quarantine", "repair", "1", "--set", "value=1"])

    assert repaired.exit_code == 0, repaired.output
    assert about("p3") == {"p3": [(1.0, "2013-08-01T13:00:00+00:00")]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (*MAPPED, "--map", "occurred_at=nothing"),
            "occurred_at=nothing: there is no such column. Those there are: o",
        ),
        (MAPPED, "columns: none gives occurred_at. Name the column with --map occurred_at=COLUMN"),
        ((*MAPPED, *MOMENT, "--map", "colour=late"), "'colour=late' names no field"),
        ((*MAPPED, *MOMENT, "--map", "late"), "'late' names no field"),
        ((*MAPPED, *MOMENT, "--set", "kind=weather"), "kind is given twice"),
        ((*MAPPED, *MOMENT, "--set", "value=1"), "value is given by a column and by a constant"),
        ((*MAPPED, *MOMENT, "--zone", "Mars"), "'Mars' is not a time zone"),
        ((*MAPPED, *MOMENT, "--format", "xml"), "--format: 'xml' is unknown"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_recorded(run, project, about, words, said):
    (project / "a.csv").write_text(EXPORT)

    with pytest.raises(InvalidInput) as refused:
        run(project / "a.csv", *words)

    assert said in str(refused.value)
    assert about("p1") == {"p1": []}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"order,order\n1,2\n", "'order' is there twice"),
        ("a.csv.gz", gzip.compress(PLAIN, mtime=0)[:-12], "a.csv.gz cannot be read"),
        ("a.csv.zst", zstd(PLAIN)[:-6], "a.csv.zst cannot be read"),
        ("a.csv.gz", b"\x1f\x8bnonsense", "a.csv.gz cannot be read at its beginning"),
        ("a.parquet", b"PAR1nonsense", "a.parquet is not a whole Parquet file"),
        ("a.parquet", b"nonsense", "a.parquet is not a whole Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(run, project, name, content, said):
    (project / name).write_bytes(content)

    with pytest.raises(InvalidInput, match=said):
        run(project / name, *MAPPED, *MOMENT)


def test_a_cut_off_file_is_recorded_up_to_there(run, project, about):
    rows = "".join(f"q{number},1,2013-08-01T13:00:00Z\n" for number in range(9000))
    whole = zstd(("order,late,landed\n" + rows).encode())
    packed = gzip.compress(("order,late,landed\n" + rows).encode(), 0)
    for name, content in (("a.csv.gz", packed), ("a.csv.zst", whole)):
        (project / name).write_bytes(content[: len(content) * 3 // 4])

    for name in ("a.csv.gz", "a.csv.zst"):
        with pytest.raises(InvalidInput, match=rf"{name} cannot be read behind line [\d,]+: .*\. What was read"):
            run(project / name, *MAPPED, *MOMENT)

    assert about("q0", "q1000")["q1000"]


def test_a_quote_that_is_not_closed_costs_its_line_only(run, project):
    rows = [f"p{number},1,2013-08-01T13:00:00Z" for number in range(400)]
    rows[7] = 'p7,"1,2013-08-01T13:00:00Z'
    (project / "a.csv").write_text("\n".join(["order,late,landed", *rows]) + "\n")

    result = run(project / "a.csv", *MAPPED, *MOMENT)

    assert result.stdout == "399 recorded, 0 known already.\n"
    assert "a.csv line 9: line: its quotes cannot be read (a cell goes on for more than 100 lines)" in result.stderr


def test_a_line_without_an_end_is_set_aside_in_little_memory(run, project):
    with (project / "a.ndjson").open("wb") as file:
        for _ in range(20):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + json.dumps({"order": "p1", "late": 1, "landed": "2013-08-01T13:00Z"}).encode())

    result = run(project / "a.ndjson", *MAPPED, *MOMENT)

    assert result.stdout == "1 recorded, 0 known already.\n"
    assert "a.ndjson line 1: line: it is not JSON" in result.stderr

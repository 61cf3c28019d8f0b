"""`handrail init` with what it cannot use: one sentence with the remedy, and nothing half-written."""

import gzip

import pytest

from tests.fakes.tables import ROWS, as_csv, shop, write_csv


@pytest.mark.parametrize("label", ["retruned", "Colours"])
def test_a_label_that_is_not_there_brings_the_nearest_names(refused, label):
    nearest = {"retruned": "returned", "Colours": "colour"}[label]

    assert repr(nearest) in refused(shop(), label=label)


def _with(name, values):
    return shop() | {name: (values * ROWS)[:ROWS]}


FUTURE = "2999-01-01T00:00:00Z"
BAD = {
    "a constant label": (_with("returned", ["yes"]), (), "in each row"),
    "few of a class": (_with("returned", ["no"] * 399 + ["yes"]), (), "in 1 rows"),
    "a label of many texts": (_with("returned", [f"x{n}" for n in range(ROWS)]), (), "3 to 50"),
    "an empty label": (_with("returned", [""]), (), "0 rows have a value"),
    "mixed types": (_with("price", ["1.5"] * 399 + ["high"]), (), "row 400 is 'high'"),
    "duplicate subjects": (_with("order id", [f"o{n}" for n in range(ROWS - 1)]), ("--subject", "order id"), "row 400"),
    "times in the future": (_with("ordered", ["2020-01-01"] * 399 + [FUTURE]), ("--time", "ordered"), "row 400"),
    "times that are none": (shop(), ("--time", "colour"), "holds no moments"),
    "known before it happens": (_with("known", ["2001-01-01"]), ("--known-at", "known"), "lies before"),
    "a column that is not there": (shop(), ("--entity", "byer_id"), "'buyer_id'"),
    "an unknown kind": (shop(), ("--kind", "sort"), "multiclass"),
    "a count of texts": (shop(), ("--kind", "count"), "needs numbers"),
    "an unknown value": (shop(), ("--positive", "maybe"), "Write 'yes' or 'no'"),
    "an unknown zone": (shop(), ("--zone", "Mars"), "Europe/Berlin"),
    "nothing left": (
        shop(),
        ("--leave-out", "price", "--leave-out", "colour", "--leave-out", "b*"),
        "no column is left",
    ),
    "an empty file": (b"", (), "is empty"),
    "a header only": (b"a,returned\n", (), "no rows"),
    "too few rows": (b"a,returned\n1,2\n", (), "at least 200"),
    "JSON": (b'[{"returned": 1}]', (), "is JSON"),
    "a workbook": (b"PK\x03\x04...", (), "workbook"),
    "bytes": (b"\x00\x01\x02" * 99, (), "neither text nor Parquet"),
    "Parquet that was cut": (b"PAR1....", (), "cut off"),
    "gzip that was cut": (gzip.compress(as_csv(shop()).encode())[:-2000], (), "cut off"),
    "ragged rows": (as_csv(shop()) + "1,2\n", (), "has 2 columns"),
    "too wide": (",".join(f"c{n}" for n in range(10**6)) + "\n", (), "1,000,000 columns"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(refused, case):
    content, arguments, sentence = BAD[case]

    assert sentence in refused(content, *arguments)


def test_a_file_that_is_not_there_is_named(run, tmp_path):
    code, _, err = run("--table", "none.csv", "--label", "x")

    assert (code, list(tmp_path.iterdir())) == (1, [])
    assert "none.csv: it is missing" in err


def test_a_folder_that_holds_something_is_left_alone(run, tmp_path):
    write_csv(tmp_path / "t.csv", shop())
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "mine").touch()

    code, _, err = run("--table", "t.csv", "--label", "returned")

    assert code == 1
    assert "not empty" in err
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["mine"]


def test_a_missing_flag_is_misuse(run):
    code, _, err = run("--label", "x")

    assert code == 2
    assert "--table" in err


@pytest.mark.parametrize("others", [("--time", "ordered"), ("--entity", "buyer_id"), ("--json",)])
def test_an_update_takes_no_other_flag(run, others):
    code, out, err = run("--update", *others)

    assert (code, out) == (2, "")
    sentence = " ".join(err.replace("│", " ").split())
    assert f"it goes without {others[0]}; to correct a guess, remove the folder and run init again" in sentence

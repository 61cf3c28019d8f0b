"""`handrail init --table FILE --into DIR`: newer rows of the same table, all of them or none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage import path_artifact
from handrail.files import sha256_of
from handrail.settings import load_settings
from tests.fakes.newer_orders import ALL, FIRST, SOURCE, all_orders, digests, newer
from tests.fakes.tables import write_csv

HANDRAIL = Path(sys.executable).with_name("handrail")


# In one process: each would import its libraries anew.
STAGES_IN_TURN = "import sys; from flows.steps.__main__ import main; sys.exit(any(main([it]) for it in sys.argv[1:]))"


def _stages(project, *names):
    done = subprocess.run(
        [sys.executable, "-c", STAGES_IN_TURN, *names], cwd=project, capture_output=True, text=True,
        env=os.environ | {"HANDRAIL_PROJECT": str(project), "HANDRAIL_HOME": str(project / ".handrail")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_new_rows_are_trained_with_after_the_windows_moved(project, take):
    folder = project()

    code, out, _ = take(newer())

    assert (code or 0) == 0
    assert out.startswith("Took 400 new rows of next.csv into project; 50 were there already. It has 800 now.\n")
    assert "git commit --all, and make demo or dvc repro" in out
    said = yaml.safe_load("\n".join(line for line in out.splitlines() if line.startswith("    ")))
    assert list(said) == ["as_of", "go_live", "train", "validate", "replay"]
    for name in ("params.yaml", "config/use_case.yaml"):
        text = (folder / name).read_text()
        written = yaml.safe_load(text)
        (folder / name).write_text(yaml.safe_dump(written | {key: said[key] for key in said.keys() & written.keys()}))
    _stages(folder, "acquire", "validate", "features", "train")
    trained = pl.read_parquet(folder / "data" / "training" / "train.parquet")["order_id"]
    assert {f"o{number:05}" for number in range(FIRST, FIRST + 50)} <= set(trained)
    assert json.loads((folder / "reports" / "train.json").read_text())


def test_the_table_is_what_the_whole_file_would_have_given(project, take, tmp_path, made):
    folder = project()
    write_csv(tmp_path / "whole.csv", all_orders())
    subprocess.run(
        [HANDRAIL, "init", "whole", "--table", "whole.csv", "--label", "returned", "--time", "ordered"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip
    before = pl.read_parquet(folder / SOURCE)

    take(newer())

    after = pl.read_parquet(folder / SOURCE)
    assert after.equals(pl.read_parquet(tmp_path / "whole" / SOURCE))
    assert after.head(FIRST).equals(before)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert status.stdout == " M data/source/table.parquet.dvc\n"


@pytest.mark.parametrize("name", ["binary", "numbered"])
def test_the_same_file_twice_changes_nothing(project, take, name):
    folder = project(name)
    take(newer(), "--leave-out", "order id") if name == "numbered" else take(newer())
    before = digests(folder)

    code, out, _ = take(newer())

    assert (code or 0) == 0
    assert out.startswith("Took 0 new rows of next.csv into project; 450 were there already. It has 800 now.\n")
    assert digests(folder) == before


def test_rows_without_a_subject_are_numbered_on_and_equal_ones_are_counted(project, take):
    folder = project("numbered")
    columns = newer()
    twice = {name: [*values, values[-1], values[-1]] for name, values in columns.items()}

    take(twice)

    table = pl.read_parquet(folder / SOURCE)
    assert table["row_id"].to_list() == [str(number) for number in range(1, ALL + 3)]
    assert take(twice)[1].startswith("Took 0 new rows")
    assert take(columns)[1].startswith("Took 0 new rows")


def test_rows_without_a_label_are_left_out_until_they_have_one(project, take):
    folder = project()
    labels = newer()["returned"]

    _, out, _ = take(newer(returned=[*labels[:-1], ""]))
    assert "; 1 have no 'returned' and are left out. It has 799 now." in out

    take(newer())
    assert pl.read_parquet(folder / SOURCE).height == ALL


def _changed(name, place, value):
    values = list(newer()[name])
    values[place] = value
    return {name: values}


def _without(name):
    return {each: values for each, values in newer().items() if each != name}


REFUSED = {
    "a column that is gone": ("binary", _without("price"), "'next.csv' lacks the column 'price'"),
    "a column that is new": ("binary", newer(extra=["1"] * 450), "does not know: 'extra'"),
    "a text among numbers": ("binary", newer(**_changed("price", 9, "high")), "'high' in row 10, and the"),
    "another format of dates": ("binary", newer(**_changed("born", 3, "2020-01-31")), "'2020-01-31' in row 4"),
    "another format of numbers": ("binary", newer(**_changed("weight", 3, "1.000,5")), "'1.000,5' in row 4"),
    "a label value that is renamed": (
        "binary", newer(**_changed("returned", 60, "ja")),
        "column 'returned': the label is 'ja' in row 61, and config/use_case.yaml describes 'yes', 'no'. "
        "Correct the file, or config/use_case.yaml: rename `positive` or `negative`.",
    ),
    "a class that is new": ("classes", newer(**_changed("colour", 60, "pink")), "the label is 'pink' in row 61"),
    "a row with other values": (
        "binary", newer(**_changed("price", 3, "77.25")), "order 'o00353' is there already, with 'price'"
    ),
    "an older label that changed": (
        "binary", newer(returned=["yes" if each == "no" else "no" for each in newer()["returned"]]), "with 'returned'"
    ),
    "a subject twice": ("binary", newer(**{"order id": [*newer()["order id"][:-1], "o00790"]}), "'o00790' twice"),
    "a time in the future": ("binary", newer(**_changed("ordered", 99, "2999-01-01")), "in the future in row 100"),
    "a time that is blank": ("binary", newer(**_changed("ordered", 99, "")), "it is empty in row 100"),
    "a header only": ("binary", {name: [] for name in newer()}, "no rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_one_sentence_and_changes_no_byte(project, take, case):
    name, columns, sentence = REFUSED[case]
    folder = project(name)
    before = digests(folder)

    code, out, err = take(columns)

    assert (code, out) == (1, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert digests(folder) == before


def test_words_of_the_label_may_be_renamed_in_the_description(project, take):
    folder = project()
    file = folder / "config" / "use_case.yaml"
    file.write_text(file.read_text().replace('positive: "yes"', 'positive: "ja"'))

    code, out, _ = take(newer(returned=["ja" if each == "yes" else each for each in newer()["returned"]]))

    assert ((code or 0), out[:17]) == (0, "Took 400 new rows")


def test_what_is_made_of_the_table_leads_back_to_the_file_that_it_took(project, take):
    folder = project()
    settings = load_settings(folder)
    before = path_artifact(settings, folder, SOURCE)

    take(newer())

    with open_platform(settings) as platform:
        trace = platform.lineage.trace(path_artifact(settings, folder, SOURCE).uri)
    assert {before.uri, f"file://next.csv@sha256:{sha256_of(folder.parent / 'next.csv')}"} <= {
        each.uri for each in trace.nodes
    }


def test_a_new_column_can_be_left_out(project, take):
    project()

    assert take(newer(extra=["1"] * 450), "--leave-out", "extra")[1].startswith("Took 400 new rows")


def test_parquet_with_the_same_types_is_taken(project, run, tmp_path):
    folder = project()
    known = pl.read_parquet(folder / SOURCE).schema
    write_csv(tmp_path / "n.csv", newer())
    pl.read_csv(tmp_path / "n.csv").with_columns(
        pl.col("born").str.to_date("%m/%d/%Y"), pl.col("weight").str.replace_all(",", "").cast(pl.Float64)
    ).write_parquet(tmp_path / "next.parquet")

    code, out, err = run("--table", "next.parquet", "--into", "project", folder=None)

    assert ((code or 0), err) == (0, "")
    assert out.startswith("Took 400 new rows of next.parquet into project; 50 were there already.")
    assert pl.read_parquet(folder / SOURCE).schema == known

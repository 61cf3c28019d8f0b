"""Which files below a path hold rows: laid out as Spark, Hive, Jupyter, Hadoop and table formats leave them."""

import pytest
from pyarrow.fs import LocalFileSystem

from handrail.entrypoints.feast.data_files import DataFile, TableFolder, list_files


def _laid_out(root, *names, **content):
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content.get("text", "rows"))


def _found(path):
    return list_files(LocalFileSystem(), str(path))


def _names(path, root):
    return [file.path.removeprefix(f"{root}/") for file in _found(path).files]


@pytest.mark.parametrize(
    "name",
    ["a.parquet", "a.parq", "A.PARQUET", "000000_0", "part-0", "a.snappy", "a.parquet.gz", "sub/deep/a", "a_", "x.y"],
)
def test_a_file_of_any_name_is_data(tmp_path, name):
    _laid_out(tmp_path, name)

    assert _names(tmp_path, tmp_path) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "_SUCCESS",
        "_metadata",
        "_common_metadata",
        "_temporary/0/task_1/part-0.parquet",
        ".part-0.parquet.crc",
        ".ipynb_checkpoints/a-checkpoint.parquet",
        ".hive-staging_hive_2026/a",
        ".DS_Store",
        "_impala_insert_staging/a",
        "year=2020/_temporary/a.parquet",
        "a.parquet._COPYING_",
    ],
)
@pytest.mark.parametrize("pattern", ["", "/*", "/**"])
def test_what_spark_passes_over_is_left_out(tmp_path, name, pattern):
    _laid_out(tmp_path, name, "b.parquet")

    assert _names(f"{tmp_path}{pattern}", tmp_path) == ["b.parquet"]


def test_an_empty_file_is_left_out(tmp_path):
    _laid_out(tmp_path, "a_$folder$", "b.parquet", text="")
    _laid_out(tmp_path, "c.parquet")

    assert _names(tmp_path, tmp_path) == ["c.parquet"]


def test_a_source_below_a_hidden_folder_is_read(tmp_path):
    _laid_out(tmp_path / ".cache" / "_run", "a.parquet")

    assert _names(tmp_path / ".cache" / "_run", tmp_path / ".cache" / "_run") == ["a.parquet"]
    assert _names(tmp_path / ".cache" / "_run" / "*", tmp_path / ".cache" / "_run") == ["a.parquet"]


def test_a_file_that_is_named_counts_whatever_its_name(tmp_path):
    _laid_out(tmp_path, "_a.parquet")

    assert _names(tmp_path / "_a.parquet", tmp_path) == ["_a.parquet"]


@pytest.mark.parametrize(
    ("folder", "partitions"),
    [
        ("year=2020/zip=01234", {"year": "2020", "zip": "01234"}),
        ("city=S%C3%A3o%20Paulo", {"city": "São Paulo"}),
        ("city=__HIVE_DEFAULT_PARTITION__", {"city": None}),
        ("a%3Db=c=d", {"a=b": "c=d"}),
        ("x=", {"x": ""}),
        ("_year=2020", {"_year": "2020"}),
        ("2020/01", {}),
    ],
)
def test_folder_names_are_columns(tmp_path, folder, partitions):
    _laid_out(tmp_path / "above=1" / "source", f"{folder}/a")

    assert _found(tmp_path / "above=1" / "source").files == [
        DataFile(f"{tmp_path}/above=1/source/{folder}/a", partitions)
    ]


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("_delta_log/00000000000000000000.json", "Delta"),
        (".hoodie/hoodie.properties", "Hudi"),
        ("_spark_metadata/0", "Spark streaming"),
        ("metadata/v1.metadata.json", "Iceberg"),
        ("metadata/00000-3f2a.metadata.json", "Iceberg"),
    ],
)
@pytest.mark.parametrize(
    "asked",
    [
        "lake/table",
        "lake/table/",
        "lake",
        "lake/table/*.parquet",
        "lake/*/*.parquet",
        "lake/table/day=1",
        "lake/table/data",
    ],
)
def test_a_table_with_a_log_is_found_from_above_from_inside_and_by_a_pattern(tmp_path, log, kind, asked):
    names = [log, "a.parquet", "day=1/b.parquet", "data/c.parquet"]
    _laid_out(tmp_path / "lake" / "table", *names)

    assert _found(f"{tmp_path}/{asked}").table == TableFolder(kind, f"{tmp_path}/lake/table")


@pytest.mark.parametrize("names", [["metadata", "a"], ["metadata/readme.json", "a"], ["delta_log/0.json", "a"]])
def test_a_folder_without_a_log_is_no_table(tmp_path, names):
    _laid_out(tmp_path, *names)

    assert _found(tmp_path).table is None


def test_nothing_there_is_an_empty_listing(tmp_path):
    assert not _found(tmp_path / "none").files
    assert not _found(tmp_path / "none" / "*").files
    assert not _found(tmp_path).files

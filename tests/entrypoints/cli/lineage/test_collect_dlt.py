"""`handrail lineage collect dlt`: what dlt's own pipelines left in the folder where they work."""

import hashlib
import json
import shutil

import dlt
import pytest
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.entrypoints.cli import build
from handrail.errors import UnknownReference
from handrail.settings import load_settings

ORDERS = [{"id": 1, "x": 2.0, "items": [{"a": 1}, {"a": 2}]}, {"id": 2, "x": 3.0}]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Load twice into DuckDB and once into Parquet files below a project, once a session."""
    folder = tmp_path_factory.mktemp("dlt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("DLT_DATA_DIR", str(folder / "data"))
        patch.chdir(folder)
        pipes = folder / "pipes"
        shop = dlt.pipeline(
            "shop", str(pipes), destination=dlt.destinations.duckdb(str(folder / "shop.duckdb")), dataset_name="sales"
        )
        resource = dlt.resource(ORDERS, name="export", table_name="orders", primary_key="id", write_disposition="merge")
        shop.run(resource)
        shop.run([{"id": 9}], table_name="refunds")
        (folder / "project").mkdir()
        bucket = dlt.destinations.filesystem((folder / "project" / "lake").as_uri())
        files = dlt.pipeline("files", str(pipes), destination=bucket, dataset_name="raw")
        files.run(ORDERS, table_name="orders", loader_file_format="parquet")
    return folder


@pytest.fixture
def folder(loaded, tmp_path, monkeypatch):
    """Give a copy of what dlt left, and a project in the current folder."""
    shutil.copytree(loaded / "pipes", tmp_path / "pipes")
    for place in tmp_path.glob("pipes/files/load/loaded/*/load_package_state.json"):
        # The files of the destination move with the project.
        place.write_text(place.read_text().replace(str(loaded), str(tmp_path)))
    shutil.copytree(loaded / "project", tmp_path / "project")
    project = tmp_path / "project"
    (project / "config").mkdir()
    (project / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: churn\n")
    monkeypatch.chdir(project)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(project))
    return tmp_path


def collect(folder, *arguments):
    result = CliRunner().invoke(
        build(), ["lineage", "collect", "dlt", str(folder / "pipes"), *arguments], catch_exceptions=False
    )
    return result.exit_code, result.output


def packages(folder, pipeline):
    return sorted(folder.glob(f"pipes/{pipeline}/load/loaded/*"))


def traced(folder, uri):
    with open_platform(load_settings(folder / "project")) as platform:
        return str(platform.lineage.trace(uri))


def nodes(folder):
    with open_platform(load_settings(folder / "project")) as platform, platform.store.read() as connection:
        return sorted(connection.exec_driver_sql("select uri from lineage_node").scalars())


def test_a_table_leads_to_its_files_with_their_digests_and_to_the_resource(folder):
    code, said = collect(folder)

    assert (code, "Load packages recorded: 3." in said) == (0, True), said
    first = packages(folder, "shop")[0]
    trace = traced(folder, f"dlt://shop/table/sales/orders__items@{first.name}")
    (file,) = first.glob("completed_jobs/orders__items.*")
    assert f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" in trace
    assert "dlt://shop/resource/shop/export" in trace
    assert "dlt://shop/schema/shop@" in trace


def test_a_parquet_file_of_the_project_is_the_one_that_every_other_tool_names(folder):
    collect(folder, "--pipeline", "files")

    (file,) = folder.glob("project/lake/raw/orders/*.parquet")
    md5 = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    path = file.relative_to(folder / "project").as_posix()
    found = [uri for uri in nodes(folder) if uri.startswith("dvc://shop/") and path in uri]
    assert [md5 in uri for uri in found] == [True]
    assert "dlt://files/resource/files/orders" in traced(folder, found[0])


def test_a_file_that_was_overwritten_since_is_not_what_was_loaded(folder):
    (file,) = folder.glob("project/lake/raw/orders/*.parquet")
    file.write_bytes(b"other")

    collect(folder, "--pipeline", "files")

    assert not [uri for uri in nodes(folder) if uri.startswith("dvc://shop/") and "/orders/" in uri]


def test_collecting_again_records_nothing_new(folder):
    collect(folder)
    before = nodes(folder)

    assert collect(folder)[0] == 0
    assert nodes(folder) == before


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda place: (place / "schema.json").write_text("{"), "it is no JSON"),
        (lambda place: (place / "schema.json").write_text("[]"), "it is no object"),
        (lambda place: (place / "schema.json").write_text('{"tables": {}}'), "it lacks 'name'"),
        (
            lambda place: (place / "schema.json").write_text(
                '{"name": "s", "version_hash": "h", "tables": {"a": {"parent": "a"}}}'
            ),
            "its own parent",
        ),
        (lambda place: (place / "load_package_state.json").unlink(), "No such file"),
        (lambda place: (place / "package_completed.json").write_bytes(b"\xff"), "it is no text"),
        (lambda place: (place / "load_package_state.json").write_text('{"created_at": "soon"}'), "no load package"),
    ],
)
def test_a_broken_package_is_one_sentence_and_costs_no_other(folder, break_it, said):
    break_it(packages(folder, "shop")[0])

    code, output = collect(folder, "--json")

    found = json.loads(output)
    assert (code, len(found["packages"])) == (1, 2)
    (sentence,) = found["left_out"]
    assert said in sentence


def test_a_broken_pipeline_costs_no_other(folder):
    (folder / "pipes" / "shop" / "state.json").write_text("no")

    code, output = collect(folder)

    assert (code, "Load packages recorded: 1." in output) == (1, True)
    assert "state.json" in output.replace("\n", "")


def test_files_that_dlt_deleted_are_named(folder):
    first = packages(folder, "shop")[0]
    shutil.rmtree(first / "completed_jobs")

    code, output = collect(folder, "--json")

    incomplete = json.loads(output)["incomplete"]
    assert code == 0
    assert len(incomplete) == 2
    assert all("its digest is not known" in sentence for sentence in incomplete)


@pytest.mark.parametrize("remote", [5, ["a"], "http://[", "nowhere", "file:///\ud800"])
def test_what_is_no_address_of_a_destination_costs_no_package(tmp_path, monkeypatch, remote):
    place = tmp_path / "pipes" / "shop" / "load" / "loaded" / "1.5"
    (place / "completed_jobs").mkdir(parents=True)
    (place / "completed_jobs" / "orders.ab.0.jsonl").write_text("{}")
    metrics = {"orders.ab.jsonl": {"state": "completed", "remote_url": remote}}
    noted = {"created_at": "2026-01-01T00:00:00Z", "load_metrics": metrics}
    (place / "load_package_state.json").write_text(json.dumps(noted))
    (place / "schema.json").write_text(json.dumps({"name": "s", "version_hash": "h", "tables": {"orders": {}}}))
    (place / "package_completed.json").write_text("loaded")
    (tmp_path / "pipes" / "shop" / "state.json").write_text("{}")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: churn\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))

    assert collect(tmp_path) == (0, "Load packages recorded: 1.\n")


@pytest.mark.parametrize("arguments", [("--pipeline", "others"), ()])
def test_where_there_is_no_pipeline_is_one_sentence(folder, arguments):
    where = folder if arguments else folder / "project"

    with pytest.raises(UnknownReference, match="pipelines_dir"):
        collect(where, *arguments)

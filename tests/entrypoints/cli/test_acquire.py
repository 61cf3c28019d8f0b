"""`handrail acquire`: from config/sources.yaml to a file with lineage back to its source."""

import json

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage import path_artifact
from handrail.entrypoints.cli import build
from handrail.errors import HandrailError
from handrail.settings import load_settings


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: churn\n")
    (tmp_path / "in").mkdir()
    sources = {"version": 1, "tables": {"orders": {"key": ["id"], "documents": {"path": "in/*.ndjson"}}}}
    (tmp_path / "config" / "sources.yaml").write_text(yaml.safe_dump(sources))
    (tmp_path / "in" / "a.ndjson").write_text('{"id": 1, "x": 1.5, "at": "2026-01-01T00:00:00Z"}\n{"id": \n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDRAIL_PROJECT", str(tmp_path))
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(build(), ["acquire", *arguments], catch_exceptions=False)


def test_what_is_new_is_read_and_what_does_not_fit_is_said(project):
    first, second = run(), run("orders")

    assert "orders: 1 new rows, 0 corrected, 0 there already, 1 set aside; 1 rows in all" in first.stdout
    assert "set aside so far: 1 because in/a.ndjson:2 is no JSON" in first.stdout
    assert "0 new rows" in second.stdout


def test_before_the_first_row_what_is_broken_is_set_aside_and_no_file_is_written(project):
    (project / "in" / "a.ndjson").write_text("{\n[1\n")

    first = run("--to", "acquired")

    assert "0 new rows, 0 corrected, 0 there already, 2 set aside" in first.stdout
    assert "orders: nothing came yet, so no file is written." in first.stderr
    (project / "in" / "b.ndjson").write_text('{"id": 1}\n')
    assert "1 new rows" in run("--to", "acquired").stdout
    assert pq.read_table(project / "acquired" / "orders.parquet").to_pylist() == [{"id": 1}]


def test_a_file_with_its_rows_leads_back_to_its_source(project):
    (facts,) = json.loads(run("--to", "acquired", "--json").stdout)

    table = pq.read_table(project / "acquired" / "orders.parquet")
    assert table.to_pylist()[0]["x"] == 1.5
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
    with open_platform(load_settings(project)) as platform:
        trace = platform.lineage.trace(f"file://acquired/orders.parquet@{facts['written']['digest']}")
    assert "files://in/*.ndjson" in str(trace)


@pytest.mark.parametrize("read", ["acquired/orders.parquet", "acquired"])
def test_what_a_stage_makes_of_the_file_or_its_folder_leads_back_to_the_source(project, read):
    """As DVC names it: `dvc add` of either, or a stage that depends on it."""
    run("--to", str(project / "acquired"))

    settings = load_settings(project)
    with open_platform(settings) as platform:
        data = path_artifact(settings, project, read)
        trace = str(platform.lineage.trace(data.uri))
        watermark = [each for each in platform.lineage.trace(data.uri).nodes if "watermark" in (each.attributes or {})]
    assert "files://in/*.ndjson" in trace
    assert "in/a.ndjson" in str(watermark)


def test_a_source_that_was_read_further_leads_to_each_file_that_was_made_of_it(project):
    made = []
    for number in range(2):
        (project / "in" / f"{number}.ndjson").write_text(f'{{"id": {number + 5}, "x": 1.5, "at": null}}\n')
        (facts,) = json.loads(run("--to", "acquired", "--json").stdout)
        made.append(facts["written"]["digest"])

    with open_platform(load_settings(project)) as platform:
        reached = str(platform.lineage.impact("files://in/*.ndjson"))
        assert "in/1.ndjson" in str(platform.lineage.trace(f"file://acquired/orders.parquet@{made[1]}"))
    assert len(set(made)) == 2
    assert all(digest in reached for digest in made)


def test_the_same_rows_give_the_same_bytes(project):
    run("--to", "one")
    run("--to", "two")

    assert (project / "one" / "orders.parquet").read_bytes() == (project / "two" / "orders.parquet").read_bytes()


def test_what_was_known_before_is_not_there_yet(project):
    (facts,) = json.loads(run("--to", "acquired", "--as-of", "2020-01-01", "--json").stdout)

    assert facts["written"]["rows"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"), [(("nothing",), "Write one of orders"), (("--as-of", "soon", "--to", "x"), "is no moment")]
)
def test_a_mistake_is_one_sentence(project, arguments, said):
    with pytest.raises(HandrailError, match=said):
        run(*arguments)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"key": ["id"]}, "has no source"),
        ({"key": ["id"], "documents": {"path": "a"}, "web_page": {"url": "b"}}, "more than one source"),
        ({"key": ["id"], "columns": {"x": "text"}, "documents": {"path": "a"}}, "lacks 'id'"),
        (
            {"key": ["id"], "columns": {"id": "text"}, "known": "id", "documents": {"path": "a"}},
            "known.*'id', which is no moment",
        ),
        ({"key": ["id"], "database": {"table": "t", "cursor": "c"}}, "url"),
        ({"key": ["id"], "stream": {"url": "kafka://x", "topic": "t"}}, "'kafka' is no broker"),
        ({"key": ["id"], "database": {"url_env": "NOT_SET", "table": "t", "cursor": "c"}}, "NOT_SET is not set"),
    ],
)
def test_a_mistake_in_the_file_is_named(project, table, said):
    sources = {"version": 1, "tables": {"orders": table}}
    (project / "config" / "sources.yaml").write_text(yaml.safe_dump(sources))

    with pytest.raises(HandrailError, match=said):
        run()


def test_two_tables_of_one_stream_need_two_groups(project):
    stream = {"url": "redis://127.0.0.1:9", "topic": "t"}
    sources = {"version": 1, "tables": {name: {"key": ["id"], "stream": stream} for name in ("one", "two")}}
    (project / "config" / "sources.yaml").write_text(yaml.safe_dump(sources))

    with pytest.raises(HandrailError, match=r"two\.stream.*topic and group of 'one'.*another group"):
        run()


def changed(project, name="b", **values):
    lines = [json.dumps({"id": number, "at": "2026-01-01T00:00:00Z"} | values) for number in range(10, 20)]
    (project / "in" / f"{name}.ndjson").write_text("\n".join(lines))


def sources(*arguments):
    return CliRunner().invoke(build(), ["sources", *arguments], catch_exceptions=False)


def test_a_change_of_columns_is_shown_and_a_person_opens_a_version_that_has_every_row(project):
    run("--to", "acquired")
    changed(project, weight=1.5)
    with pytest.raises(HandrailError, match="'weight' may be its new name"):
        run()

    (shown,) = json.loads(sources("changes", "--json").stdout)
    said = sources("open", "orders", "--renamed", "x=weight", "--by", "ann").stdout
    (facts,) = json.loads(run("--to", "acquired", "--json").stdout)

    assert [each["says"] for each in shown["changes"]] == ["the column 'x' is gone, and 'weight' may be its new name"]
    assert "orders.v2 is open, with id (whole), weight (number), at (moment). Run handrail acquire orders." in said
    assert pq.read_table(project / "acquired" / "orders.v2.parquet").column("weight").to_pylist() == [1.5] * 11
    assert pq.read_table(project / "acquired" / "orders.parquet").num_rows == 1
    with open_platform(load_settings(project)) as platform:
        trace = str(platform.lineage.trace(f"file://acquired/orders.v2.parquet@{facts['written']['digest']}"))
    assert "'x' is called 'weight' now" in trace
    assert "acquired://orders@" in trace
    assert "version 2 opened by ann, x is now weight" in sources("changes", "orders").stdout


def test_the_file_may_open_versions_by_itself(project):
    written = yaml.safe_load((project / "config" / "sources.yaml").read_text())
    written["tables"]["orders"]["on_change"] = {"new": "open", "columns": {"y": "wait"}}
    (project / "config" / "sources.yaml").write_text(yaml.safe_dump(written))
    run()
    changed(project, x=1.5, size=3)

    (facts,) = json.loads(run("--json").stdout)

    assert facts["table"] == "orders.v2"
    assert facts["rows"] == 11
    assert "opened by config/sources.yaml" in sources("changes").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("open", "orders"), "nothing of it was acquired yet"),
        (("open", "orders", "--renamed", "x"), "Write old=new"),
        (("open", "nothing"), "Write one of orders"),
        (("changes", "nothing"), "Write one of orders"),
    ],
)
def test_a_version_that_cannot_be_opened_is_one_sentence(project, arguments, said):
    with pytest.raises(HandrailError, match=said):
        sources(*arguments)


def test_of_a_table_that_was_not_acquired_no_change_is_shown(project):
    assert "orders: nothing of it was acquired yet" in sources("changes").stdout

"""`handrail acquire`: from config/sources.yaml to a file with lineage back to its source."""

import json

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from handrail.bootstrap import open_platform
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


def test_a_file_with_its_rows_leads_back_to_its_source(project):
    (facts,) = json.loads(run("--to", "acquired", "--json").stdout)

    table = pq.read_table(project / "acquired" / "orders.parquet")
    assert table.to_pylist()[0]["x"] == 1.5
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
    with open_platform(load_settings(project)) as platform:
        trace = platform.lineage.trace(f"file://acquired/orders.parquet@{facts['written']['digest']}")
    assert "files://in/*.ndjson" in str(trace)


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

"""JSON documents in files."""

import json
from datetime import UTC, datetime

import pytest

from handrail.acquisition import Acquiring, Table, Taken
from handrail.acquisition.adapters.json_documents import JsonDocuments
from handrail.acquisition.adapters.yaml_sources import Documents
from handrail.errors import InvalidInput
from tests.fakes.acquisition import RowsInMemory, VersionsInMemory

ORDERS = Table("orders", (), ("id",))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path


def acquire(folder, store, pattern="in/*.*json", **more):
    source = JsonDocuments(Documents(path=pattern, **more), folder)
    return Acquiring(ORDERS, source, store, VersionsInMemory(), lambda: datetime.now(UTC)).run()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"id": 1, "x": 1.5}, {"id": 2, "x": null}]'),
        ("a.ndjson", '{"id": 1, "x": 1.5}\n\n{"id": 2, "x": null}\n'),
        ("a.json", '{"id": 1, "x": 1.5}\n{"id": 2, "x": null}\n'),
        ("a.ndjson", '\ufeff{"id": 1, "x": 1.5}\r\n{"id": 2}'),
    ],
)
def test_each_form_gives_its_rows(folder, name, text):
    store = RowsInMemory()
    (folder / "in" / name).write_text(text, encoding="utf-8")

    acquire(folder, store)

    assert list(store.rows("orders")) == [[1, 1.5], [2, None]]


def test_one_document_over_several_lines_is_one(folder):
    (folder / "in" / "a.json").write_text(json.dumps({"data": {"items": [{"id": 1, "x": {"y": 1}}]}}, indent=1))
    store = RowsInMemory()

    acquired = acquire(folder, store, records="data.items")

    assert sum(acquired.quarantine.values()) + acquired.manifest.rows == 1


def test_invalid_json_in_the_middle_is_set_aside_and_the_rest_stays(folder):
    lines = ['{"id": 1}', '{"id": ', '{"id": NaN}', "[1]", '{"id": 2}']
    text = "\n".join(lines).encode() + b'\n{"id": "\xff"}\n{"id": 3}\n'
    (folder / "in" / "a.ndjson").write_bytes(text)
    store = RowsInMemory()

    acquired = acquire(folder, store)

    assert [row[0] for row in store.rows("orders")] == [1, 2, 3]
    assert len(acquired.quarantine) == 4
    assert all(reason.startswith("in/a.ndjson:") for reason in acquired.quarantine)


def test_a_file_is_read_again_when_its_content_changed_alone(folder):
    store = RowsInMemory()
    file = folder / "in" / "a.ndjson"
    file.write_text('{"id": 1, "x": 1}\n')
    acquire(folder, store)
    file.touch()
    assert acquire(folder, store).taken == Taken()

    file.write_text('{"id": 1, "x": 2}\n{"id": 2, "x": 2}\n')

    assert acquire(folder, store).taken == Taken(new=1, corrected=1)


@pytest.mark.parametrize("pattern", ["/etc/*.json", "../*.json"])
def test_no_file_outside_of_the_project_is_read(folder, pattern):
    with pytest.raises(InvalidInput, match="out of the project"):
        acquire(folder, RowsInMemory(), pattern)

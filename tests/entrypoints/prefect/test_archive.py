"""Prefect's events in files of their own: each once, whatever happens in between."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from handrail.entrypoints.prefect.collect.archive import FORMAT, EventArchive
from handrail.errors import Unavailable

TASK = {"prefect.resource.id": "prefect.task-run.t1", "prefect.resource.role": "task-run"}
BY = {"prefect.resource.id": "spark", "prefect.resource.role": "asset-materialized-by"}


def _event(number, day="2026-11-23", name="prefect.flow-run.Completed", **fields):
    resource = {"prefect.resource.id": f"prefect.flow-run.{number}"}
    event = {"id": str(number), "occurred": f"{day}T12:00:{number:02}Z", "event": name, "resource": resource}
    return event | {"related": [], "payload": {}} | fields


def _materialised(number, key, **payload):
    return _event(
        number,
        name="prefect.asset.materialization.succeeded",
        resource={"prefect.resource.id": key, "prefect.resource.name": "Orders"},
        related=[{"prefect.resource.id": "s3://lake/raw", "prefect.resource.role": "asset"}, BY, TASK],
        payload=payload,
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "events"


def _kept(folder):
    return [
        json.loads(line)["event"]["id"]
        for file in sorted(folder.glob("*"))
        for line in file.read_text().split("\n")
        if line
    ]


def test_events_are_kept_by_day_and_once(folder):
    archive = EventArchive(folder)

    assert archive.add([_event(1), _event(2, "2026-11-24"), _event(1)]) == 2
    assert archive.add([_event(1), _event(3)]) == 1
    assert sorted(file.name for file in folder.iterdir()) == ["2026-11-23.ndjson", "2026-11-24.ndjson"]
    assert _kept(folder) == ["1", "3", "2"]


def test_collectors_at_once_keep_each_event_once(folder):
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda n: EventArchive(folder).add([_event(k) for k in range(n, n + 5)]), range(20)))

    assert sum(new) == len(_kept(folder)) == len(set(_kept(folder))) == 24


def test_a_line_that_a_kill_cut_short_costs_no_other(folder):
    archive = EventArchive(folder)
    archive.add([_materialised(1, "s3://lake/a")])
    file = folder / "2026-11-23.ndjson"
    file.write_text(file.read_text() + '{"format": "handrail.prefect-event/1", "eve')

    assert archive.add([_materialised(2, "s3://lake/b")]) == 1
    assert [asset.key for asset in archive.assets() if asset.made] == ["s3://lake/a", "s3://lake/b"]


def test_an_asset_is_recorded_with_what_made_it_and_what_it_was_made_of(folder):
    archive = EventArchive(folder)
    archive.add([_materialised(1, "s3://lake/orders", rows=3, nested={"left": "out"})])

    made, read = sorted(archive.assets(), key=lambda asset: not asset.made)

    assert (made.key, made.task_run_id) == ("s3://lake/orders", "t1")
    assert made.metadata == {"rows": "3", "name": "Orders", "materialized_by": "spark"}
    assert (read.key, read.made) == ("s3://lake/raw", False)


def test_another_format_is_read_over(folder):
    folder.mkdir()
    (folder / "2026-11-23.ndjson").write_text(json.dumps({"format": "later/9", "event": _materialised(1, "s3://a")}))

    assert EventArchive(folder).assets() == ()
    assert FORMAT == "handrail.prefect-event/1"


def test_a_folder_that_cannot_be_made_is_one_sentence(folder):
    folder.write_text("a file")

    with pytest.raises(Unavailable, match="collect again"):
        EventArchive(folder).add([_event(1)])

"""Events that name no schema: other servers take them, and the specification's own examples are such events."""

import pytest

from handrail.errors import InvalidInput
from tests.fakes.lineage_events import a_dataset_event, a_job_event, a_run_event, read

pytestmark = pytest.mark.any_version


def without(event, key):
    return {name: value for name, value in event.items() if name != key}


@pytest.mark.parametrize("event", [a_run_event(), a_job_event(), a_dataset_event()])
@pytest.mark.parametrize(
    "change", [lambda event: without(event, "schemaURL"), lambda event: event | {"schemaURL": None}]
)
def test_an_event_that_names_no_schema_is_read_by_its_parts_and_noted(event, change):
    found = read(change(event))

    assert (found.run, found.job, found.datasets) == (read(event).run, read(event).job, read(event).datasets)
    assert [note.field for note in found.notes] == ["schemaURL"]


def test_a_schema_that_is_no_url_is_refused():
    with pytest.raises(InvalidInput, match="schemaURL"):
        read(a_run_event(schemaURL="not a URL"))

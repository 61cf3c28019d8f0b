"""infra/openlineage: each schema is explained, and each example is what it says it is."""

import json
import re

import pytest

from handrail.lineage.adapters.openlineage.events import read_event
from tests.fakes.openlineage_schemas import FOLDER, SCHEMAS, faults

EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
PRODUCER = "https://example.org/shop"


def schema_url(name):
    (found,) = (key for key in SCHEMAS if key.endswith(f"/{name}.json"))
    return f"{found}#/$defs/{name}"


def test_each_schema_has_an_example():
    assert {name for name, _ in EXAMPLES} - {"RunEvent"} == {key.rpartition("/")[2][:-5] for key in SCHEMAS}


@pytest.mark.parametrize(("name", "text"), [example for example in EXAMPLES if example[0] != "RunEvent"])
def test_an_example_fits_its_schema(name, text):
    facet = json.loads(text) | {"_producer": PRODUCER, "_schemaURL": schema_url(name)}

    assert faults(facet) == []


def test_the_event_in_the_readme_is_read():
    (event,) = (read_event(json.loads(text)) for name, text in EXAMPLES if name == "RunEvent")

    assert event.content.is_derivation
    assert event.content.outputs[0].node.uri == "bento://flights/b1"

"""The event on the page of URIs is one that can be sent."""

import json
import re
from pathlib import Path

import pytest

from tests.fakes.lineage_events import read

pytestmark = pytest.mark.any_version


def test_the_example_of_the_page_joins_the_file_that_others_read():
    page = Path(__file__).resolve().parents[4] / "plugins" / "handrail" / "lineage" / "URIS.md"
    [example] = re.findall(r"^```json\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    md5 = "0cc175b9c0f1b6a831c399e269772661"

    event = read(json.loads(example.replace("<md5 of the file's bytes>", md5)))

    assert [each.uri for each in event.inputs] == ["s3://lake/machines.csv"]
    assert [each.uri for each in event.outputs] == [f"dvc://shop/features/machines.parquet@{md5}"]
    assert event.notes == ()

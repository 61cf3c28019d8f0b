"""Parameters are changed one by one: every other text of params.yaml stays as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from flows.steps.project.dvc_files import PARAMS, change_params
from handrail.errors import Unavailable

WRITTEN = """\
# What was known when.
as_of: '2013-08-01T04:00:00Z'

# Write 1.0e-5: 1e-5 is text.
package: {threshold: 0.35, largest_difference: 1.0e-5}
labels_snapshot:
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / PARAMS).write_text(WRITTEN, encoding="utf-8")
    return tmp_path


def test_a_key_of_a_section_is_changed_and_its_neighbours_stay_numbers(folder: Path) -> None:
    change_params(folder, {"package": {"threshold": 0.24}})

    text = (folder / PARAMS).read_text(encoding="utf-8")
    assert yaml.safe_load(text)["package"] == {"threshold": 0.24, "largest_difference": 1.0e-5}
    assert "# Write 1.0e-5: 1e-5 is text." in text
    assert "as_of: '2013-08-01T04:00:00Z'" in text


def test_an_empty_key_takes_a_whole_section(folder: Path) -> None:
    change_params(folder, {"labels_snapshot": {"path": "data/labels.parquet"}})

    values = yaml.safe_load((folder / PARAMS).read_text(encoding="utf-8"))
    assert values["labels_snapshot"] == {"path": "data/labels.parquet"}


def test_a_key_that_nobody_reads_is_refused(folder: Path) -> None:
    with pytest.raises(Unavailable, match="it lacks the key 'treshold'"):
        change_params(folder, {"treshold": 0.2})

    assert (folder / PARAMS).read_text(encoding="utf-8") == WRITTEN

from pathlib import Path

import pytest

from flows.steps.modelling.run_labels import labels_of
from handrail.use_case import read_use_case

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("windows", "trained", "judged"),
    [
        (("2013-01-01", "2013-07-01", "2013-08-01"), "2013-01 to 2013-06", "2013-07"),
        (("2013-01-01", "2013-07-05", "2013-07-06"), "2013-01-01 to 2013-07-04", "2013-07-05"),
        (("2012-12-01", "2013-01-01", "2014-01-01"), "2012-12", "2013-01 to 2013-12"),
    ],
)
def test_windows_are_named_as_people_name_them(tmp_path, windows, trained, judged):
    first, between, after = windows
    (tmp_path / "params.yaml").write_text(
        f"train: {{from: '{first}', until: '{between}'}}\nvalidate: {{from: '{between}', until: '{after}'}}\n"
    )

    labels = labels_of(tmp_path)

    assert labels.params == {"judged_on": judged, "trained_on": trained}


@pytest.mark.parametrize(("path", "purpose"), [("null", "go-live"), ("data/labels-1.parquet", "challenger")])
def test_a_run_on_labels_of_production_is_a_challengers(tmp_path, path, purpose):
    text = (ROOT / "params.yaml").read_text().replace("{path: null", f"{{path: {path}")
    (tmp_path / "params.yaml").write_text(text)

    labels = labels_of(tmp_path)

    assert labels.name("candidate") == f"{purpose} candidate, judged on 2013-07"
    assert "flights of 2013-07, which it never saw" in labels.sentence(read_use_case(ROOT))


@pytest.mark.parametrize("text", ["model: {seed: 0}\n", "train: all\nvalidate: 3\n", "train: {from: x, until: y}\n"])
def test_a_project_without_windows_has_no_labels(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)

    assert labels_of(tmp_path) is None

"""config/use_case.yaml as a model: what is read from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.errors import InvalidInput, UnknownReference
from handrail.use_case import read_use_case
from tests.fakes.parcels import MAIN, OTHER_LABELS, PARCELS, of_kind, read

ROOT = Path(__file__).parents[2]


def test_a_description_is_read(tmp_path: Path) -> None:
    case = read(tmp_path)

    assert (case.name, case.subject.many, case.entities) == ("parcels", "parcels", ("depot", "town"))
    assert case.main_metric.name == "roc_auc"
    assert case.replay is not None
    assert case.replay.until == datetime(2026, 6, 1, tzinfo=UTC)


def test_the_descriptions_of_this_repository_are_read() -> None:
    assert read_use_case(ROOT).main_metric.name == "roc_auc"


@pytest.mark.parametrize("kind", OTHER_LABELS)
def test_each_kind_of_label_has_its_metrics(tmp_path: Path, kind: str) -> None:
    case = read(tmp_path, of_kind(kind))

    assert case.main_metric.name == MAIN[kind]
    assert "roc_auc" not in case.metric_by_name


def test_the_example_holds_moments_as_such(tmp_path: Path) -> None:
    assert read(tmp_path).example == {
        "parcel": "17",
        "depot": "NORTH",
        "town": None,
        "pieces": 2,
        "weight": 2.5,
        "fragile": False,
        "sent_at": datetime(2026, 5, 1, 6, tzinfo=UTC),
    }


def test_a_moment_without_quotes_is_an_example_too(tmp_path: Path) -> None:
    text = PARCELS.replace('"2026-05-01T08:00:00+02:00"', "2026-05-01T08:00:00Z")

    assert read(tmp_path, text).example["sent_at"] == datetime(2026, 5, 1, 8, tzinfo=UTC)


def test_an_item_whose_moment_is_none_is_refused_by_name(tmp_path: Path) -> None:
    case = read(tmp_path)

    assert case.read_item({"sent_at": None}) == {"sent_at": None}
    with pytest.raises(InvalidInput, match="sent_at: 'soon' is not a moment. Write it as"):
        case.read_item({"sent_at": "soon"})


def test_an_example_that_was_put_in_unchecked_is_refused_as_every_caller_expects(tmp_path: Path) -> None:
    case = read(tmp_path)
    field = case.request["sent_at"].model_copy(update={"example": "soon"})

    with pytest.raises(InvalidInput, match="sent_at"):
        _ = case.model_copy(update={"request": case.request | {"sent_at": field}}).example


def test_a_feature_set_leads_to_its_service(tmp_path: Path) -> None:
    case = read(tmp_path)

    assert case.service_of("plain") == "parcels_plain_v2"
    with pytest.raises(UnknownReference, match=r"'other'. Write one of all, plain"):
        case.service_of("other")

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from feature_repo.sets import SETS, FeatureSet, read_sets
from flows.steps.data.feature_tables import write_tables
from flows.steps.data.features import entity_rows
from flows.steps.data.live import open_live, request_of
from flows.steps.data.slices import slice_values
from flows.steps.data.table import SOURCE, known_at, label_values, read_source, with_day
from flows.steps.project.params import read_params
from handrail.entrypoints.bentoml.messages import item_of
from handrail.errors import InvalidInput, Misconfigured
from handrail.settings import load_settings
from handrail.use_case import read_use_case
from tests.conftest import ROOT

CASE = read_use_case(ROOT)
SET = SETS[CASE.service_of(CASE.features.default)]


def _training(project: Path, window: str) -> pl.DataFrame:
    return pl.read_parquet(project / "data" / "training" / f"{window}.parquet")


def test_both_windows_have_labelled_rows_and_every_feature(project: Path) -> None:
    manifest = json.loads((project / "data" / "training" / "manifest.json").read_text())

    for window in ("train", "validate"):
        rows = _training(project, window)
        assert rows.height == manifest["rows"][window] > 0
        assert {*manifest["features"], CASE.label.column} <= set(rows.columns)
        assert rows.get_column(CASE.label.column).null_count() == 0


def test_nothing_that_was_known_later_reaches_training(project: Path) -> None:
    params = read_params(project)
    rows = known_at(read_source(project, CASE), params.as_of, CASE)

    late = rows.filter(pl.col(CASE.time.known).is_null())

    assert late.get_column(CASE.label.column).null_count() == late.height
    for window in ("train", "validate"):
        seen = _training(project, window).select(CASE.subject.column, CASE.time.event)
        known = rows.drop_nulls(CASE.time.known).select(CASE.subject.column)
        assert seen.join(known, on=CASE.subject.column, how="anti").is_empty()
        assert seen.filter(pl.col(CASE.time.event) > params.as_of).is_empty()


def test_feature_tables_of_the_past_do_not_change_with_the_future(project: Path, tmp_path: Path) -> None:
    rows = with_day(read_source(project, CASE), CASE)
    until = read_params(project).as_of
    past = with_day(known_at(rows, until, CASE), CASE)

    write_tables(rows, until, CASE, tmp_path / "all")
    write_tables(past, until, CASE, tmp_path / "past")

    for file in (tmp_path / "all").glob("*.parquet"):
        assert pl.read_parquet(file).equals(pl.read_parquet(tmp_path / "past" / file.name))


def test_serving_reads_the_features_that_training_saw(project: Path, tmp_path: Path) -> None:
    from feature_repo.online import online, write_known
    from feature_repo.store import apply, historical, open_feature_store

    live = open_live(load_settings(project))
    store = open_feature_store(load_settings(project), live.features, tmp_path / "feast")
    apply(store)
    last = live.rows.tail(3)
    at = last.get_column(CASE.time.event).max()
    last = last.with_columns(pl.lit(at).alias(CASE.time.event))

    write_known(store, None, at)  # type: ignore[arg-type]  # a moment
    item = item_of(CASE)
    bodies = [json.dumps(request_of(row)) for row in last.iter_rows(named=True)]
    items = [vars(item.model_validate_json(body)) for body in bodies]
    answer = online(store, items, at)  # type: ignore[arg-type]  # a moment
    asked = entity_rows(last)
    trained = pl.from_pandas(historical(store, asked.to_pandas())).drop(asked.columns)

    for name, values in trained.to_dict(as_series=False).items():
        found = [None if value != value else value for value in answer[name]]
        assert found == pytest.approx([None if value != value else value for value in values]), name


def test_the_bento_takes_the_example_and_what_the_table_holds(project: Path) -> None:
    item = item_of(CASE)
    example = {name: field.example for name, field in CASE.request.items()}

    item.model_validate_json(json.dumps(example))
    for row in open_live(load_settings(project)).rows.tail(50).iter_rows(named=True):
        item.model_validate_json(json.dumps(request_of(row)))


def test_every_slice_has_a_group_for_every_row(project: Path) -> None:
    rows = _training(project, "validate")

    groups = slice_values(rows)

    assert tuple(groups) == CASE.slices
    assert all(len(of) == rows.height for of in groups.values())


def test_labels_are_what_models_and_feedback_count_with(project: Path) -> None:
    labels = read_source(project, CASE).select(label_values(CASE)).to_series().drop_nulls()

    if CASE.label.kind == "binary":
        assert set(labels) == {0, 1}
    elif CASE.label.classes is not None:
        assert set(labels) <= set(range(len(CASE.label.classes)))
    else:
        assert labels.is_finite().all()


def test_a_set_with_the_next_number_leaves_the_others_as_they_are(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from feature_repo.store import apply, open_feature_store, service_identity

    store = open_feature_store(load_settings(project), project / "data" / "features", tmp_path / "feast")
    apply(store)
    before = service_identity(store)
    monkeypatch.setitem(SETS, f"{CASE.name}_other_v99", FeatureSet(request=SET.fields[:1], history=SET.history))

    apply(store)

    assert service_identity(store) == before
    assert service_identity(store, f"{CASE.name}_other_v99")["spec_hash"] != before["spec_hash"]


def test_a_column_that_disappears_upstream_stops_the_first_stage_by_name(tmp_path: Path) -> None:
    table = pl.read_parquet(ROOT / SOURCE)
    gone = next(name for name in CASE.request if name not in (CASE.subject.column, CASE.time.event))
    (tmp_path / SOURCE).parent.mkdir(parents=True)
    table.drop(gone).write_parquet(tmp_path / SOURCE)

    with pytest.raises(InvalidInput, match=f"it lacks the column '{gone}'"):
        read_source(tmp_path, CASE)


def test_a_slice_that_no_row_has_stops_the_first_stage_by_name() -> None:
    case = CASE.model_copy(update={"slices": (*CASE.slices, "nowhere")})

    with pytest.raises(Misconfigured, match="slices name 'nowhere', which no row has"):
        read_source(ROOT, case)


def test_a_value_of_the_label_that_is_not_described_stops_the_first_stage_by_name(tmp_path: Path) -> None:
    table = pl.read_parquet(ROOT / SOURCE)
    (tmp_path / SOURCE).parent.mkdir(parents=True)
    table.with_columns(pl.lit("renamed").alias(CASE.label.column)).write_parquet(tmp_path / SOURCE)

    with pytest.raises(InvalidInput, match=f"{CASE.label.column!r} holds .* and config/use_case.yaml describes"):
        read_source(tmp_path, CASE)


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (None, "it lacks"),
        ({"request": ["nowhere"]}, "'nowhere' is not a field of the request"),
        ({"history": ["nobody"]}, "'nobody' is not an entity"),
        ({}, "it holds no feature"),
    ],
)
def test_a_feature_set_that_names_what_is_not_there_is_refused(
    tmp_path: Path, of: dict[str, Any] | None, sentence: str
) -> None:
    services = {} if of is None else dict.fromkeys(CASE.features.sets.values(), {"request": list(SET.request)})
    if of is not None:
        services[CASE.service_of(CASE.features.default)] = of
    (tmp_path / "feature_repo").mkdir()
    (tmp_path / "feature_repo" / "sets.yaml").write_text(json.dumps(services))

    with pytest.raises(Misconfigured, match=sentence):
        read_sets(tmp_path, CASE)

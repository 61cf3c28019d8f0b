"""The promises of `ModelScorer`, kept by MLflow and by the fake."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from handrail.errors import Unavailable
from handrail.reproduction.adapters.mlflow_scores import MlflowScores
from handrail.reproduction.ports import ModelScorer
from tests.fakes.reproducible_project import LOADER, PACKAGE
from tests.fakes.reproduction_models import FakeScorer

ROWS = [1.0, 2.0, 4.0]
MLMODEL = PACKAGE.partition('write_text("""')[2].partition('""")')[0]


class Memory:
    """Models and tables in JSON."""

    scorer: ModelScorer = FakeScorer()

    def model(self, tree, slope):
        tree.mkdir(parents=True)
        (tree / "weights.json").write_text(json.dumps({"slope": slope}))

    def table(self, file):
        file.write_text(json.dumps(ROWS))


class Mlflow(Memory):
    """MLflow models that load their own code, and Parquet tables."""

    scorer = MlflowScores()

    def model(self, tree, slope):
        super().model(tree, slope)
        (tree / "code").mkdir()
        (tree / "code" / "toy_loader.py").write_text(LOADER)
        (tree / "MLmodel").write_text(MLMODEL)

    def table(self, file):
        pq.write_table(pa.table({"x": ROWS}), file)


@pytest.fixture(params=[Memory, Mlflow])
def world(request):
    return request.param()


def compare(world, folder, rows, candidates):
    trees = folder / "recorded" / "model", folder / "clone" / "model"
    return world.scorer.compare(trees, rows, candidates, Path(sys.executable), {})


def test_two_models_score_the_same_rows(world, tmp_path):
    world.model(tmp_path / "recorded" / "model", 2.0)
    world.model(tmp_path / "clone" / "model", 2.5)
    table = tmp_path / "rows.parquet"
    world.table(table)

    given = compare(world, tmp_path, table, [])
    found = compare(world, tmp_path, None, [table])

    assert given == found
    assert (found.rows, found.source, found.max_difference) == (3, str(table), 2.0)


def test_equal_models_do_not_differ_and_without_rows_nothing_is_compared(world, tmp_path):
    for side in ("recorded", "clone"):
        world.model(tmp_path / side / "model", 2.0)
    world.table(tmp_path / "rows.parquet")

    assert compare(world, tmp_path, tmp_path / "rows.parquet", []).max_difference == 0.0
    assert compare(world, tmp_path, None, []) is None


def test_a_model_that_cannot_be_loaded_is_one_sentence(world, tmp_path):
    world.model(tmp_path / "recorded" / "model", 2.0)
    (tmp_path / "clone" / "model").mkdir(parents=True)
    world.table(tmp_path / "rows.parquet")

    with pytest.raises(Unavailable):
        compare(world, tmp_path, tmp_path / "rows.parquet", [])

"""What made one answer, from its recorded digest to contributions that add up, by a model that the pipeline made."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from handrail.bootstrap import open_platform
from handrail.bootstrap.explaining import FOLDER, SCORED, explain_prediction, kept_explanation
from handrail.errors import Refused
from handrail.explaining import contributions_of, explain, explanation_from, require_additivity
from handrail.feedback import Prediction
from handrail.scoring import Scorer, row_digests
from handrail.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
DIGEST, DEPLOYMENT = "sha256:" + "a" * 64, "deploy://local/flights/1"


@pytest.fixture(scope="module")
def tree(trained: Path) -> Path:
    return trained / "models" / "package"


@pytest.fixture
def rows(trained: Path) -> pl.DataFrame:
    return pl.read_parquet(trained / "data" / "training" / "validate.parquet").head(40)


@pytest.fixture
def platform(tmp_path):
    (tmp_path / "project" / "config").mkdir(parents=True)
    text = (ROOT / "config" / "use_case.yaml").read_text()
    (tmp_path / "project" / "config" / "use_case.yaml").write_text(text)
    settings = Settings(project=tmp_path / "project", home=tmp_path / "home")
    with open_platform(settings) as opened:
        yield opened


@pytest.fixture
def predictions(platform, tree, rows):
    scorer = Scorer.load(tree)
    encoded = scorer.encode({name: rows[name].to_list() for name in scorer.features})
    answered, digests = scorer.answer_encoded(encoded), row_digests(encoded)
    made = [
        Prediction(
            f"p-{place}", DEPLOYMENT, str(subject), datetime(2013, 8, 1, tzinfo=UTC), float(score), int(label), digest
        )
        for place, (subject, score, label, digest) in enumerate(
            zip(rows["flight_id"], answered.score, answered.label, digests, strict=True)
        )
    ]
    platform.feedback.register_deployment(DEPLOYMENT, DIGEST, "models:/flights/1")
    platform.feedback.record_predictions(made)
    return made


@pytest.fixture
def lend(tree):
    @contextmanager
    def lent(_settings, _prediction):
        yield tree, DIGEST

    return lent


def _keep(platform, rows):
    (platform.settings.home / SCORED).mkdir(parents=True)
    rows.write_parquet(platform.settings.home / SCORED / "2013-08.parquet")


def test_contributions_add_up_to_the_recorded_score(platform, rows, predictions, lend):
    _keep(platform, rows)

    for prediction in predictions[:5]:
        found = explain_prediction(platform, prediction.prediction_id, lend=lend).explanation

        total = found.base + sum(one.amount for one in found.contributions)
        assert 1 / (1 + math.exp(-total)) == pytest.approx(prediction.score, abs=1e-6)
        assert found.gap < 1e-6
        amounts = [abs(one.amount) for one in found.contributions]
        assert amounts == sorted(amounts, reverse=True)
        assert f"{prediction.score:.4g}" in found.sentence
        assert found.contributions[0].feature in found.sentence


def test_values_are_those_of_the_row(platform, rows, predictions, lend):
    _keep(platform, rows)

    found = explain_prediction(platform, "p-3", lend=lend).explanation

    for one in found.contributions:
        value = rows[one.feature][3]
        assert one.value == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)


def test_features_count_by_their_digest_alone(platform, rows, predictions, lend):
    row = rows.row(2, named=True)

    with pytest.raises(Refused, match="another digest"):
        explain_prediction(platform, "p-2", row | {"carrier": "??"}, lend=lend)

    assert explain_prediction(platform, "p-2", row, lend=lend).found == "given"


def test_features_that_nobody_has_are_asked_for(platform, predictions, lend):
    with pytest.raises(Refused, match="--features FILE"):
        explain_prediction(platform, "p-1", lend=lend)


def test_a_prediction_without_a_digest_is_not_explained(platform, predictions, lend):
    platform.feedback.record_predictions([replace(predictions[0], prediction_id="bare", features_digest="")])

    with pytest.raises(Refused, match="digest of its features"):
        explain_prediction(platform, "bare", lend=lend)


def test_a_score_that_the_model_does_not_give_is_refused(platform, rows, predictions, lend):
    _keep(platform, rows)
    platform.feedback.record_predictions([replace(predictions[0], prediction_id="other", score=0.123)])

    with pytest.raises(Refused, match=r"0\.123 was recorded"):
        explain_prediction(platform, "other", lend=lend)


def test_it_is_kept_by_the_digests_of_model_and_features(platform, rows, predictions, lend):
    _keep(platform, rows)
    assert kept_explanation(platform, "p-0") is None

    first = explain_prediction(platform, "p-0", lend=lend)
    # Nobody lends the model now.
    again = explain_prediction(platform, "p-0")

    assert (first.found, again.found) == ("kept by the replay", "kept")
    assert again.explanation == first.explanation == explanation_from(json.loads(json.dumps(first.to_json())))
    name = predictions[0].features_digest.removeprefix("sha256:")
    assert (platform.settings.home / FOLDER / ("a" * 64) / f"{name}.json").is_file()


def test_a_kept_one_that_is_damaged_is_made_again(platform, rows, predictions, lend):
    _keep(platform, rows)
    explain_prediction(platform, "p-0", lend=lend)
    next((platform.settings.home / FOLDER).rglob("*.json")).write_text("{")

    assert explain_prediction(platform, "p-0", lend=lend).found == "kept by the replay"


def test_native_categories_are_caught():
    source = np.random.default_rng(0)
    inputs = np.column_stack([source.integers(0, 12, 2000), source.normal(size=2000)]).astype(np.float32)
    label = np.isin(inputs[:, 0], (1, 5, 7)) ^ (source.random(2000) < 0.1)
    model = HistGradientBoostingClassifier(categorical_features=[0], max_iter=20, random_state=0).fit(inputs, label)

    with pytest.raises(Refused, match="Encode categories"):
        contributions_of(model, inputs[:50])


def test_a_model_without_trees_is_refused():
    model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])

    with pytest.raises(Refused, match="no trees"):
        contributions_of(model, np.eye(4, dtype=np.float32))


@pytest.mark.parametrize(("gap", "passes"), [(0.0, True), (1e-6, True), (1.1e-6, False), (math.nan, False)])
def test_a_gap_decides(gap, passes):
    if passes:
        require_additivity(gap)
    else:
        with pytest.raises(Refused, match="miss"):
            require_additivity(gap)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_numbers_and_counts_add_up_on_their_own_scale(loss):
    source = np.random.default_rng(0)
    inputs = source.normal(size=(500, 3)).astype(np.float32)
    model = HistGradientBoostingRegressor(loss=loss, max_iter=20, random_state=0).fit(inputs, np.exp(inputs[:, 0]))

    amounts, bases, raw = contributions_of(model, inputs[:20])

    total = amounts[:, :, 0].sum(axis=1) + bases[0]
    answers = model.predict(inputs[:20])
    assert total == pytest.approx(np.log(answers) if loss == "poisson" else answers, abs=1e-9)
    assert raw.shape == (20, 1)


def test_classes_are_explained_each():
    source = np.random.default_rng(0)
    inputs = source.normal(size=(600, 3)).astype(np.float32)
    model = HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(
        inputs, np.digitize(inputs[:, 0], (-0.5, 0.5))
    )

    amounts, bases, raw = contributions_of(model, inputs[:10])

    assert amounts.shape == (10, 3, 3)
    assert amounts.sum(axis=1) + bases == pytest.approx(raw, abs=1e-9)


def test_other_bytes_than_the_packaged_ones_are_not_explained(tree, rows):
    scorer = Scorer.load(tree)

    class Other:
        kind, features, codes = scorer.kind, scorer.features, scorer.codes

        def answer_encoded(self, encoded):
            answered = scorer.answer_encoded(encoded)
            return replace(answered, score=answered.score + np.float32(0.001))

    encoded = scorer.encode({name: rows[name].to_list() for name in scorer.features})[:1]
    with pytest.raises(Refused, match="packaged one"):
        explain(tree, Other(), encoded)


def test_nothing_heavy_is_loaded_with_the_command():
    code = "import sys, handrail.entrypoints.cli as c; c.build(); print({'shap', 'numba', 'sklearn'} & {*sys.modules})"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "set()"

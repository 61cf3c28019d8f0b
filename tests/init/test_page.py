"""The page `plugins/handrail/scaffold/README.md`, typed: from somebody's table to the first alert and retraining."""

from __future__ import annotations

import re

import pytest

from tests.init.projects import Made, make_small, run
from tests.loop.conftest import ROOT

PAGE = ROOT / "plugins" / "handrail" / "scaffold" / "README.md"
BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


pytestmark = pytest.mark.whole_loop


@pytest.fixture(scope="module")
def bikes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The project of the page, after its commands were typed; parameters make it short."""
    folder = tmp_path_factory.mktemp("page")
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    written = next(number for number, block in enumerate(blocks) if "handrail init" in block)
    before, after = "".join(blocks[: written + 1]), "".join(["cd bikes\n", *blocks[written + 1 :]])
    said = run(folder, "bash", "-euo", "pipefail", "-c", before)
    make_small(folder / "bikes")
    return Made(folder / "bikes", said + run(folder, "bash", "-euo", "pipefail", "-c", after))


def test_what_adds_up_to_the_label_is_left_out_and_said(bikes: Made) -> None:
    assert "'casual' and 'registered'" in (bikes.folder / "README.md").read_text()
    assert "casual" not in (bikes.folder / "feature_repo" / "sets.yaml").read_text()


def test_the_loop_closes_with_an_alert_and_a_retraining(bikes: Made) -> None:
    assert bikes.summary["ok"], bikes.said[-3000:]
    assert any("alert" in str(line) for line in bikes.figures("monitor").values())
    retrained = bikes.figures("retrain")
    assert retrained["flow_run"].endswith("completed")
    assert retrained["verdict"] in ("promoted", "refused")
    assert ("deployment" in retrained) == (retrained["verdict"] == "promoted")


def test_numbers_are_judged_by_their_error_and_the_model_beats_the_mean(bikes: Made) -> None:
    trained = bikes.figures("train")

    value = {name: float(str(figure).split()[0]) for name, figure in trained.items() if name.endswith("_rmse")}
    assert value["gradient_boosting_rmse"] < 0.7 * value["constant_rmse"]


def test_every_prediction_leads_back(bikes: Made) -> None:
    traced, of = bikes.figures("trace")["predictions_that_trace"].replace(",", "").split(" of ")

    assert int(traced) == int(of) > 1000

"""Step 12: from one prediction back to bytes, and from one raw file forward to numbers of predictions."""

from __future__ import annotations

from handrail.bootstrap.lineage import tell
from handrail.errors import Refused
from infra.demo.scene import Scene
from infra.demo.screen import Report

Figures = dict[str, object]
RAW_FILE = "data/raw/flights/2013-03.csv"
CHAIN = (
    "deployment",
    "bento",
    "permit and approvers",
    "model version",
    "MLflow run",
    "training set",
    "feature views",
    "validation",
    "DVC data",
    "git commit",
)
"""What a complete trace passes, from the prediction back to bytes."""


def trace(scene: Scene, report: Report) -> Figures:
    """Follow a prediction back, require each kind of hop, and follow a raw file forward."""
    prediction = str(scene.found["prediction_id"])
    report(f"tracing {prediction}")
    back = scene.platform.lineage.trace(prediction)
    passed = {section.title for section in tell(back) if section.hops}
    if missing := [title for title in CHAIN if title not in passed]:
        raise Refused("The trace", (f"It does not reach {', '.join(missing)}.",))
    report(f"impact of {RAW_FILE}")
    forward = scene.platform.lineage.impact(RAW_FILE)
    return {
        "prediction": prediction,
        "nodes": len(back.nodes),
        "proven_hops": f"{sum(edge.proven for edge in back.edges)} of {len(back.edges)}",
        "passes": list(CHAIN),
        "impact_of": RAW_FILE,
        "predictions_touched": forward.total,
        "look": f"handrail lineage trace {prediction}",
    }

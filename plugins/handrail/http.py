"""HTTP with Handrail: applications to mount or serve, middleware that records predictions, and the client of the gate.

from handrail.http import feedback_app
"""

from typing import TYPE_CHECKING

from handrail.lazy import lazy_names

if TYPE_CHECKING:
    from handrail.bootstrap.feedback_links import feedback_link
    from handrail.entrypoints.http.feedback import checked_by_host, feedback_app
    from handrail.entrypoints.http.gate_client import GateClient
    from handrail.entrypoints.http.gate_signing import sign_decision, sign_emergency, sign_rule_decision
    from handrail.entrypoints.http.lineage import lineage_app
    from handrail.entrypoints.http.prediction_ids import PredictionIds, prediction_id, record_prediction
    from handrail.entrypoints.http.serving_token import serving_token

__all__ = [
    "GateClient",
    "PredictionIds",
    "checked_by_host",
    "feedback_app",
    "feedback_link",
    "lineage_app",
    "prediction_id",
    "record_prediction",
    "serving_token",
    "sign_decision",
    "sign_emergency",
    "sign_rule_decision",
]

_PLACES = {
    "handrail.bootstrap.feedback_links": ("feedback_link",),
    "handrail.entrypoints.http.feedback": ("checked_by_host", "feedback_app"),
    "handrail.entrypoints.http.gate_client": ("GateClient",),
    "handrail.entrypoints.http.gate_signing": ("sign_decision", "sign_emergency", "sign_rule_decision"),
    "handrail.entrypoints.http.lineage": ("lineage_app",),
    "handrail.entrypoints.http.prediction_ids": ("PredictionIds", "prediction_id", "record_prediction"),
    "handrail.entrypoints.http.serving_token": ("serving_token",),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)

"""The front of lineage: record what led to what, then ask back from a prediction or forward from a file."""

from __future__ import annotations

from handrail.lineage.service.asking import Asking
from handrail.lineage.service.recording import Recording


class Lineage(Recording, Asking):
    """Which data, code, checks, approvals and deployment made a prediction, and what a file touched.

    Every `record_*` is one transaction, may be repeated, and may come in any order. A URI or a reference of
    `handrail.refs` names a thing. All raise `InvalidInput` for a name or digest that cannot be used, `CycleRefused`
    and `RoleConflict` for facts that contradict what is held; nothing is recorded then.
    """

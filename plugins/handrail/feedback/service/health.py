"""How feedback is doing: what came lately, and what a sample of predictions says of each kind and deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from handrail.feedback.domain.kinds import Kind
from handrail.feedback.domain.parts import What
from handrail.feedback.domain.samples import Look, overview_of
from handrail.feedback.domain.summaries import Recent, Summary, summaries_of
from handrail.feedback.service.stores import FeedbackStores

MOST_COUNTED = 100_000
MOST_SAMPLED = 8_000


@dataclass(frozen=True, slots=True)
class Health:
    """What there is, what came lately, and a summary of each kind for all deployments and for each of them.

    `recorded` counts the rows of each log.
    """

    as_of: datetime
    recorded: Mapping[What, int]
    recent: Recent
    summaries: tuple[Summary, ...]


def health_of(
    stores: FeedbackStores, kinds: Mapping[str, Kind], as_of: datetime, deployments: tuple[str, ...] | None = None
) -> Health:
    """Look at the newest rows and at a sample of all predictions: but for counting, as long for a log of any size."""
    found: list[Summary] = []
    for kind in (each for each in kinds.values() if not each.is_text):
        look = Look(kind.name, as_of, deployments, MOST_SAMPLED, kind.matching)
        found += summaries_of(kind, overview_of(look, kind, stores.sampler.sample(look)))
    return Health(as_of, stores.pulse.recorded(), stores.pulse.recent(as_of, MOST_COUNTED), tuple(found))

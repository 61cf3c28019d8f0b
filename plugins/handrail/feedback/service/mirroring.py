"""Shows on registered model versions how they do in production."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handrail.feedback.domain.production import Registered, served_by, tags_of
from handrail.feedback.notice_ports import ProductionPages
from handrail.feedback.service.log import FeedbackLog


@dataclass(frozen=True, slots=True)
class Mirror:
    """Writes summaries of what the log knows as tags of the versions that made the predictions."""

    log: FeedbackLog
    pages: ProductionPages

    def show(self, as_of: datetime) -> dict[Registered, int]:
        """Write the tags of each version that made predictions, and return how many each got. Safe to repeat.

        Raises:
            UnknownReference: a version is gone.
            Unavailable: the store or the registry is not there.
        """
        written: dict[Registered, int] = {}
        for version, deployments in served_by(self.log.deployments()).items():
            tags: dict[str, str] = {}
            for summary in self.log.health(as_of, deployments).summaries:
                if summary.deployment is None and summary.sampled:
                    tags |= tags_of(summary, as_of)
            if tags:
                self.pages.put(version, tags)
                written[version] = len(tags)
        return written

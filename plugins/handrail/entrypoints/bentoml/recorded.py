"""One line in a BentoML service that Handrail did not write: it records which bento is served when it starts.

@bentoml.service
@recorded
class Iris: ...
"""

from __future__ import annotations

import inspect
import logging
from pathlib import Path
from typing import TypeVar

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import open_deployments
from handrail.entrypoints.bentoml.collect import bento_of, record_bento, record_serving
from handrail.entrypoints.hosts.never_fail import never_fail
from handrail.entrypoints.hosts.recording import platform_here
from handrail.refs import Deployment
from handrail.tools import require

HOOK = "handrail_record_deployment"
MOVED_BY = "bentoml serve"
_log = logging.getLogger("handrail.lineage")
T = TypeVar("T")


def recorded(service: type[T]) -> type[T]:
    """Let a service class record its bento and its deployment, once, before its workers start.

    A failure to record never stops the service.
    A service that is served from a checkout is not a bento: nothing is recorded then.
    """
    require("bentoml", "bentoml")
    from bentoml import on_deployment

    file = Path(inspect.getfile(service))

    def handrail_record_deployment() -> None:
        record_deployment(file)

    setattr(service, HOOK, on_deployment(handrail_record_deployment))
    return service


def record_deployment(file: Path) -> bool:
    """Record the bento that a source file belongs to, and that this environment serves it.

    Return whether it was recorded. A failure is logged in one sentence.
    """
    with never_fail("what is served"):
        bento = bento_of(file)
        platform = platform_here()
        if bento is None:
            _log.info("%s is not part of a bento: nothing is recorded.", file)
            return False
        with never_fail(f"the deployment of {bento.tag.uri}") as attempt:
            for sentence in record_bento(platform.lineage, platform.settings, bento):
                _log.warning("%s", sentence)
            point_at(platform, record_serving(platform.lineage, platform.settings, bento))
        return attempt.done
    return False


def point_at(platform: Platform, deployment: Deployment) -> None:
    """Make the environment's pointer name what it serves from now on, unless it does already."""
    open_deployments(platform, MOVED_BY).point(deployment.uri.rpartition("/")[0], deployment)

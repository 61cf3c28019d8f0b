"""Opens what serves a whole bento elsewhere: an image, a cluster, a balancer before replicas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.bootstrap.delivery import lend_carried
from handrail.delivery import BuiltBento, BuiltFor, Carried
from handrail.delivery.domain.balancing import Balancer
from handrail.delivery.domain.containerfile import Image
from handrail.delivery.domain.manifests import Workload

if TYPE_CHECKING:
    from handrail.bootstrap import Platform

__all__ = ["Balancer", "workload_of", "write_image"]


def write_image(platform: Platform, built: BuiltBento, base: str, lock: Path, to: Path) -> None:
    """Write the folder from which an image of a bento is built, on a base image by digest.

    Raises:
        Refused: what the bento carries is not what its permit allows in this environment.
        InvalidInput: the base names no digest.
    """
    from handrail.delivery.adapters.build_contexts import write_context

    with lend_carried(platform.settings, Carried.below(built.root)) as verified:
        image = Image(built, verified.permitted, base, sys.version_info[:2])
    write_context(built, image.to_text(), lock, to)


def workload_of(
    platform: Platform, built: BuiltBento, image: str, namespace: str, replicas: tuple[int, int]
) -> Workload:
    """Describe a bento in a cluster, as what its permit allows in this environment.

    Raises:
        Refused: what the bento carries is not what its permit allows in this environment.
        InvalidInput: the image names no digest, or a name is none for a cluster.
    """
    carried, environment = Carried.below(built.root), platform.settings.environment
    with lend_carried(platform.settings, carried) as verified:
        server = BuiltFor.read(carried.use).use.server
        return Workload(built, verified.permitted, environment, server, image, namespace, *replicas)

"""Which deployment a serving process begins with: what the slot's pointer names, else one before it that may be served.

A process that is started anew by its supervisor has the bento that the server began with, which may be many swaps ago.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from handrail.bootstrap.delivery import lend_carried
from handrail.clock import system_time
from handrail.delivery import Swapper, code_digest, earlier, find_carried
from handrail.entrypoints.bentoml.champions import MOST_WAITING, Host, Lend, Served, load_verified
from handrail.entrypoints.bentoml.lanes import Lane
from handrail.errors import HandrailError
from handrail.settings import Settings

MOST_TRIED = 4

_log = logging.getLogger("handrail.bentoml")


@dataclass(frozen=True, slots=True)
class Choice:
    """A deployment (its URI) that this process could begin with: the bento's folder, and what lends a verified copy."""

    deployment: str
    folder: Path
    lend: Lend


def own_code(root: Path) -> str | None:
    """Return the digest of the code of the bento whose source is `root`; None if it is a checkout, which is no bento.

    A checkout follows no pointer: its code is no deployment's.
    """
    return code_digest(root.parent) if (root.parent / "bento.yaml").is_file() else None


def choices_of(
    settings: Settings, root: Path, own: str, code: str | None, open_swapper: Callable[[], Swapper]
) -> list[Choice]:
    """Return what may be tried, the best first: what is deployed, what was before it, and what came with this code.

    Args:
        settings: those of the environment.
        root: the source of the bento that the server was started with.
        own: the URI of that bento's deployment.
        code: what `own_code` said.
        open_swapper: opens what knows the slot's pointer; if that cannot be read, what came with this code is tried.

    Raises:
        Refused: a part of what this bento carries is missing.
    """
    moves, swapper = [], None
    try:
        if code is not None:
            swapper = open_swapper()
            moves = swapper.moves()
    except HandrailError as err:
        _log.warning("Where the slot points cannot be read, so what this bento carries is served: %s", err)
    now = moves[-1].target if moves else None
    carried = find_carried(root)
    mine = [] if carried is None else [Choice(own, root.parent, partial(lend_carried, settings, carried))]
    # In the order of deployments, also where this bento came with another one than the last.
    order = [each for each in (now, *earlier(moves)) if each][:MOST_TRIED]
    found: list[Choice] = []
    for uri in order:
        if uri == own:
            found += mine
            continue
        try:
            assert swapper is not None
            built = swapper.find(uri)
            if code_digest(built.folder) == code:
                found.append(Choice(uri, built.folder, partial(swapper.lend, built)))
        except HandrailError as err:
            _log.warning("%s cannot be served here: %s", uri, err)
    if own not in order:
        found += mine
    return found


async def load_first(choices: Sequence[Choice], host: Host) -> Served | None:
    """Load the first one that may be served and answers; None if there is none to try.

    Raises:
        HandrailError: why the best one cannot be served, if no other can either.
    """
    first: HandrailError | None = None
    for choice in choices:
        lane = Lane(choice.deployment, MOST_WAITING)
        noted = partial(host.note, choice.deployment, choice.folder)
        try:
            lane.predictor = await lane.run(partial(load_verified, choice.lend, choice.deployment, host.make, noted))
            return Served(choice.deployment, lane, system_time())
        except HandrailError as err:
            lane.close()
            first = first or err
            _log.error("%s is not served: %s", choice.deployment, err)
    if first is not None:
        raise first
    return None

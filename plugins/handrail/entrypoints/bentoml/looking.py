"""A serving process looks again and again at what is recorded elsewhere; no look may end the looking."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

_log = logging.getLogger("handrail.bentoml")


async def keep_looking(look: Callable[[], Awaitable[None]], every_s: float, what_stays: str) -> None:
    """Look, and wait, for as long as the process lives; what cannot be read now is read at the next look.

    A failure is logged once while it lasts, as a sentence that begins with `what_stays`.
    """
    said = ""
    while True:
        try:
            await look()
            said = ""
        except Exception as err:  # noqa: BLE001 - whatever a look meets, the next one may not
            if str(err) != said:
                _log.warning("%s: %s", what_stays, err)
            said = str(err)
        await asyncio.sleep(every_s)

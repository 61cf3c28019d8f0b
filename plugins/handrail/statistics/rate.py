"""Whether something happens more often than it may: an exact test of a share that holds however often one looks.

Of trials that came one after another, the evidence against "at most this share" is a mixture over larger shares of how
much better each explains what was seen. Under every allowed share it is a nonnegative supermartingale that begins at 1,
so it ever exceeds 1/a with a chance of at most a (Ville 1939). Nothing is asymptotic: rare events need no minimum.
"""

from __future__ import annotations

import math

import numpy as np

from handrail.errors import InvalidInput

ALTERNATIVES = 200
LARGEST = 1 - 1e-9


def rate_evidence(events: int, trials: int, limit: float) -> float:
    """Return the natural logarithm of the evidence that an event happens in more than a share `limit` of trials.

    From log(1/a) on, its share is above the limit, wrongly so with a chance of at most a over all looks together.
    `limit` is a share from 0 up to, not including, 1.

    Raises:
        InvalidInput: there are more events than trials, a count is negative, or the limit is no such share.
    """
    if not 0 <= events <= trials:
        raise InvalidInput("events", f"{events} of {trials}", "Pass how many of how many.")
    if not 0 <= limit < 1:
        raise InvalidInput("limit", f"{limit} is not from 0 up to, not including, 1", "Pass a share.")
    if limit == 0:
        return math.inf if events else 0.0
    # Shares above the limit, closer together the smaller they are, each as likely as another.
    larger = limit * (LARGEST / limit) ** (np.arange(1, ALTERNATIVES + 1) / ALTERNATIVES)
    log = events * np.log(larger / limit) + (trials - events) * (np.log1p(-larger) - math.log1p(-limit))
    most = float(log.max())
    return most + math.log(float(np.exp(log - most).mean()))

"""The page of the gate's log, for persons whom the roles name: its leaves speak of every model."""

from __future__ import annotations

from dataclasses import asdict

from handrail.bootstrap.approvals_log import log_state
from handrail.entrypoints.console.log_page import log_page
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.mlflow.app.messages import read_query
from handrail.entrypoints.mlflow.app.pages.desk import PageDesk
from handrail.entrypoints.mlflow.app.rights import account
from handrail.errors import Refused

MOST = 100


def log(desk: PageDesk) -> Page:
    """Return the log's state and its latest leaves.

    Raises:
        Refused: the account belongs to nobody in the roles.
    """
    read_query()
    if desk.opened.reviewing.person(account()) is None:
        reason = f"The account {account()!r} belongs to no person in the roles; have it named in config/roles.yaml."
        raise Refused("Reading the gate's log", (reason,))
    state = log_state(desk.platform.settings, MOST)
    sentences = [row.sentence for row in desk.opened.watch.reported]
    found = None if state is None else asdict(state)
    return log_page(found, [*sentences, *desk.opened.rules.look()], desk.opened.reviewing.names())

"""The addresses of the console's pages, for the servers that answer them and for the links between them."""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from urllib.parse import quote, urlencode

PREFIX = "/handrail"


class Address(Enum):
    """A page, or a form that is sent, by method and path; a name in braces is one segment of the path."""

    INBOX = "GET", f"{PREFIX}/"
    REQUESTS = "GET", f"{PREFIX}/requests"
    REQUEST = "GET", PREFIX + "/requests/{request_id}"
    DECIDE = "POST", PREFIX + "/requests/{request_id}/decision"
    ANSWER = "POST", PREFIX + "/requests/{request_id}/answer"
    RENEW = "POST", PREFIX + "/requests/{request_id}/renewal"
    TIMELINES = "GET", f"{PREFIX}/timeline"
    TIMELINE = "GET", PREFIX + "/timeline/{model}/{alias}"
    ROLL_BACK = "POST", PREFIX + "/timeline/{model}/{alias}/rollback"
    BREAK_GLASS = "POST", PREFIX + "/timeline/{model}/{alias}/break-glass"
    ROWS = "GET", f"{PREFIX}/rows"
    SNAPSHOT = "GET", PREFIX + "/rows/{model}/{snapshot}"
    CONFIRM_ROWS = "POST", PREFIX + "/rows/{model}/{snapshot}/confirmation"
    FINDINGS = "GET", f"{PREFIX}/findings"
    OPEN_FINDING = "POST", f"{PREFIX}/findings/open"
    CLOSE_FINDING = "POST", PREFIX + "/findings/{finding_id}/close"
    RULES = "GET", f"{PREFIX}/rules"
    PROPOSE_RULES = "POST", f"{PREFIX}/rules/propose"
    RULE_CHANGE = "GET", PREFIX + "/rules/{change_id}"
    DECIDE_RULES = "POST", PREFIX + "/rules/{change_id}/decision"
    LOG = "GET", f"{PREFIX}/log"
    NOWHERE = "GET", f"{PREFIX}/no-such-page"
    TRACE = "GET", f"{PREFIX}/trace"
    IMPACT = "GET", f"{PREFIX}/impact"
    FEEDBACK = "GET", f"{PREFIX}/feedback"
    DEPLOYMENTS = "GET", f"{PREFIX}/deployments"
    HEALTH = "GET", f"{PREFIX}/health"
    LOGIN = "GET", f"{PREFIX}/login"
    LOG_IN = "POST", f"{PREFIX}/login"
    LOG_OUT = "POST", f"{PREFIX}/logout"
    LEAVE = "GET", f"{PREFIX}/logout"
    STATIC = "GET", PREFIX + "/static/{file}"

    def __init__(self, method: str, path: str) -> None:
        self.method, self.path = method, path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the segments that vary."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    def matches(self, path: str) -> bool:
        """Whether a path, below the one that the server itself lies at, is this address."""
        return _pattern(self.path).fullmatch(path) is not None

    def to(self, base: str = "", query: dict[str, str] | None = None, **segments: str) -> str:
        """Return the address with these segments and query, below the path that the server itself lies at."""
        filled = self.path
        for name in self.names:
            filled = filled.replace(f"{{{name}}}", quote(segments[name], safe=""))
        return f"{base}{filled}" + (f"?{urlencode(query)}" if query else "")


def page_of_form(path: str) -> str:
    """Return the path of the page that has the form sent to a path, below the one that the server itself lies at."""
    while path := path.rpartition("/")[0]:
        if any(each.method == "GET" and each.matches(path) for each in Address):
            return quote(path)
    return Address.INBOX.path


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{\w+\}", path))), re.DOTALL)

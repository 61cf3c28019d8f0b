"""The page of findings: what shuts the gate, who found it, and why it was closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handrail.approvals import Finding, Severity
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.words import counted

SEVERITIES = tuple(str(each) for each in Severity)


def findings_page(found: Sequence[Finding], closers: Mapping[str, str], extra: Mapping[str, Any]) -> Page:
    """Return the page.

    Args:
        found: every finding that the person may read, oldest first.
        closers: the token of the form that closes a finding, by its id, for those that the person may close.
        extra: `token` of the form that opens one, `models` that it may be about, `severities`, what was not recorded
            (`problem`, `kept`), and its `status`; `alerts` and `information`, what monitoring reported.
    """
    rows = [each.to_json() for each in found]
    open_rows = [row for row in rows if row["open"]][::-1]
    facts: dict[str, Any] = {"open": open_rows, "closed": [row for row in rows if not row["open"]][::-1]}
    facts |= {name: [each.to_json() for each in extra.get(name) or ()] for name in ("alerts", "information")}
    title = f"{counted(len(open_rows), 'open finding')}" if open_rows else "No finding is open"
    names = {"closers": dict(closers), "title": title}
    names |= {name: extra.get(name) or empty for name, empty in _EMPTY.items()}
    return Page("findings.html", title, facts, int(extra.get("status", 200)), names)


_EMPTY: Mapping[str, Any] = {"token": "", "models": (), "severities": SEVERITIES, "problem": "", "kept": {}}

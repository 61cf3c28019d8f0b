"""Sends alerts to people by Apprise, which Prefect brings: mail, chat, a webhook. Each is sent once to each address.

Addresses hold passwords. They are read from the setting `notify_urls` and appear in no log, record or message: an
address is called by its scheme and a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.steps.project.outputs import write_json
from handrail.settings import Settings
from handrail.tools import require

LATER = "The next run of the flow monitor sends it."


def notify(settings: Settings, record: Mapping[str, Any]) -> list[str]:
    """Send the alerts of a month's record to every address; return a sentence for each one that was sent or failed.

    What was sent is marked at once, a file an alert and address, so that a repeated run sends it to nobody twice; a
    kill between sending and marking may. An address that fails is a sentence, never an error.
    """
    if settings.notify_urls is None:
        return []
    require("apprise", "prefect")
    said = []
    for finding in record["findings"]:
        if finding["state"] != "alert":
            continue
        for url in settings.notify_urls.get_secret_value().split():
            mark = _mark(settings.home, record, finding, url)
            if not mark.is_file():
                said.append(_send(url, mark, record, finding))
    return said


def _send(url: str, mark: Path, record: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    from apprise import Apprise, NotifyType

    about = f"{finding['kind']} alert of {record['month']}"
    address = name_of(url)
    target = Apprise()
    title = f"{record['model']}, {record['month']}: {finding['kind']}"
    if not target.add(url):
        return (
            f"The {about} was not sent to {address}: Apprise does not know this kind of address. Correct notify_urls."
        )
    if not target.notify(body=body_of(record, finding), title=title, notify_type=NotifyType.WARNING):
        return f"The {about} was not sent to {address}: it was not taken. {LATER}"
    write_json(mark, {"kind": finding["kind"], "month": record["month"], "address": address})
    return f"The {about} was sent to {address}."


def body_of(record: Mapping[str, Any], finding: Mapping[str, Any]) -> str:
    """Return what is sent: the reasons, what was judged, and what to do next."""
    judged = f"Judged as of {record['as_of']}, deployment {record['deployment']}, snapshot {record['snapshot']}."
    return "\n".join([*finding["reasons"], judged, *record.get("advice", ())])


def name_of(url: str) -> str:
    """Return what an address may be called in a log: its scheme and a digest."""
    scheme = url.partition("://")[0]
    plain = scheme if scheme.isalnum() and len(scheme) < 20 else "unknown"
    return f"{plain} ({hashlib.sha256(url.encode()).hexdigest()[:8]})"


def _mark(home: Path, record: Mapping[str, Any], finding: Mapping[str, Any], url: str) -> Path:
    """Return the file that says an alert was sent: of a month, a deployment and what was found, not of its digits."""
    failed = sorted(check["figure"] for check in finding["checks"] if not check["holds"])
    identity = [record["model"], record["month"], record["deployment"], finding["kind"], failed, url]
    name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:24]
    return home / "monitoring" / "sent" / f"{name}.json"

"""A serverless function, as AWS Lambda calls it: verifies the permit when its process starts, then answers.

Its handler is `function.handler`, its environment HANDRAIL_USE (server/model/alias/environment) and HANDRAIL_KEY_ID.
On a runtime without Python of its own, `python function.py` speaks the runtime API itself. A request of API Gateway
(payload 2.0) or of a function's URL holds `{"rows": [{"subject": ..., a feature: ...}]}`. Each answer is a line of the
log too, which `handrail feedback import` records.
"""

import base64
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from edge import Model
from permitted import NotPermitted

MOST_ROWS = 1000
API = "http://{}/2018-06-01/runtime/invocation/{}"
USE, KEY_ID = (os.environ.get(name, "") for name in ("HANDRAIL_USE", "HANDRAIL_KEY_ID"))
try:
    # Before any request: a package that may not be served never answers one.
    MODEL = Model(Path(__file__).resolve().parent, USE, KEY_ID, "function")
except NotPermitted as refused:
    sys.exit(f"error: {refused}")


def handler(event: Any, _context: Any = None) -> dict[str, Any]:
    """Answer an event: 200 with `predictions`, or 400, 405 or 413 as problem details (RFC 9457)."""
    event = event if isinstance(event, dict) else {}
    method = (event.get("requestContext") or {}).get("http", {}).get("method", "POST")
    if method != "POST":
        return _problem(405, f"{method} is not answered here: send POST.")
    try:
        body = event.get("body") or ""
        asked = json.loads(base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body)
        rows = asked.get("rows") if isinstance(asked, dict) else None
        if not isinstance(rows, list) or not rows:
            return _problem(400, "Send an object with `rows`, a list of at least one row.")
        if len(rows) > MOST_ROWS:
            return _problem(413, f"{len(rows)} rows are more than {MOST_ROWS}: send them in parts.")
        answers = MODEL.answer(rows, datetime.now(UTC))
    except (NotPermitted, ValueError, TypeError, OverflowError, RecursionError) as err:
        return _problem(400, f"Nothing was predicted: {err}")
    sys.stdout.write("".join(json.dumps(one) + "\n" for one in answers))
    sys.stdout.flush()
    return _said(200, "application/json", {"predictions": answers, "deployment": MODEL.deployment})


def _problem(status: int, detail: str) -> dict[str, Any]:
    return _said(status, "application/problem+json", {"status": status, "detail": detail})


def _said(status: int, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": kind}, "body": json.dumps(body), "isBase64Encoded": False}


def main() -> None:
    """Take one invocation after another from the runtime API, until the process is stopped."""
    host = os.environ["AWS_LAMBDA_RUNTIME_API"]
    while True:
        with urlopen(API.format(host, "next")) as invocation:
            event, name = json.load(invocation), invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        answer = json.dumps(handler(event)).encode()
        with urlopen(Request(API.format(host, f"{name}/response"), answer)):
            pass


if __name__ == "__main__":
    main()

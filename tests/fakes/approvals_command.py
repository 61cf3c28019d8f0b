"""`handrail approvals` run as a command against a server that gives a test's own answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HANDRAIL = Path(sys.executable).with_name("handrail")
REQUEST_ID = "pr-58bdf0a8b42034727abc"
ROW = {
    "request_id": REQUEST_ID,
    "model": "espresso",
    "version": 4,
    "alias": "champion",
    "incumbent": 1,
    "reason": "better on the machines of the old bar",
    "requester": "tom",
    "authors": ["tom"],
    "files": 6,
    "tree_digest": "sha256:" + "a" * 64,
    "evidence": {"evaluation": "sha256:" + "b" * 64},
    "verdict": "pending",
    "opened_at": "2026-11-29T10:30:00+00:00",
    "decisions": [],
    "reasons": [],
}
CONTENT = {"evaluation": {"roc_auc": 0.6184, "rows": 28220, "by_bar": {"old": 0.6}, "folds": [1, 2, 3], "by": "x" * 99}}
FORGED = "fine\n  Cleo Business said approve: \x1b[2Jyes\u202e"


def runner(folder):
    """Return what runs the command in a folder, logged in as rosa."""

    def run(url, *words, columns="200", **more):
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HANDRAIL_")}
        environment |= {"HANDRAIL_HOME": str(folder / "home"), "HANDRAIL_MLFLOW_URL": url, "NO_COLOR": "1"}
        environment |= {"MLFLOW_TRACKING_USERNAME": "rosa", "MLFLOW_TRACKING_PASSWORD": "x", "COLUMNS": columns}
        return subprocess.run(
            [HANDRAIL, "approvals", *map(str, words)],
            cwd=folder,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run

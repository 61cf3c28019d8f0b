"""What a prediction service checks around its answers: the permit before it starts, and the token of each request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import lend_carried
from handrail.delivery import find_carried
from handrail.entrypoints.bentoml.service import SWAGGER_PAGE, open_paths
from handrail.entrypoints.http.feedback_guard import Rules
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import HandrailError


def rules_of(platform: Platform, feedback: Any) -> Rules:
    """Guard `/predict`, and the app `feedback` below `/api`, by the serving token; health and metrics are open."""
    paths = frozenset(f"/api{path}" for path in feedback.openapi()["paths"])
    return Rules(
        token=serving_token(platform.settings),
        open_paths=open_paths(),
        guarded_paths=paths | {"/predict"},
        any_type_paths=paths,
        model_paths=frozenset({"/predict"}),
        page=SWAGGER_PAGE,
    )


def require_permit(platform: Platform, root: Path) -> None:
    """Exit with the reason if no permit covers exactly the bytes that the bento below `root` carries, for its use."""
    try:
        serving_token(platform.settings)
        carried = find_carried(root)
        if carried is not None:
            with lend_carried(platform.settings, carried):
                pass
    except HandrailError as err:
        sys.exit(f"error: {err}")

"""What a prediction service checks around its answers: the permit before it starts, and the caller of each request."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from handrail.bootstrap import Platform
from handrail.bootstrap.delivery import lend_carried, open_keys
from handrail.delivery import KeyRing, find_carried
from handrail.entrypoints.bentoml.service import SWAGGER_PAGE, open_paths
from handrail.entrypoints.http.feedback_guard import Rules
from handrail.entrypoints.http.serving_callers import serving_callers
from handrail.entrypoints.http.serving_token import serving_token
from handrail.errors import HandrailError
from handrail.settings import Settings
from handrail.use_case import read_use_case


def rules_of(platform: Platform, feedback: Any) -> Rules:
    """Guard `/predict`, and the app `feedback` below `/api`, by the settings `callers`; health and metrics are open.

    Keys are those of the project's use case in this environment.
    """
    settings = platform.settings
    token = _token_of(settings)
    paths = frozenset(f"/api{path}" for path in feedback.openapi()["paths"])
    return Rules(
        token=token,
        open_paths=open_paths(),
        guarded_paths=paths | {"/predict"},
        any_type_paths=paths,
        model_paths=frozenset({"/predict"}),
        page=SWAGGER_PAGE,
        callers=serving_callers(settings, token, partial(_read_keys, platform)),
    )


def _read_keys(platform: Platform) -> KeyRing:
    return open_keys(platform, read_use_case(platform.settings.project).name).ring()


def _token_of(settings: Settings) -> str:
    """Return the installation's token, none where the settings let nobody in by it."""
    return serving_token(settings) if settings.callers.token else ""


def require_permit(platform: Platform, root: Path) -> None:
    """Exit with the reason if no permit covers exactly the bytes that the bento below `root` carries, for its use."""
    try:
        _token_of(platform.settings)
        carried = find_carried(root)
        if carried is not None:
            with lend_carried(platform.settings, carried):
                pass
    except HandrailError as err:
        sys.exit(f"error: {err}")

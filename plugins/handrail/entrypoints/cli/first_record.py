"""Opens the record of the current project for commands that add to it, and says where a first one is made."""

from __future__ import annotations

import os

from handrail.bootstrap import Platform, open_platform
from handrail.entrypoints.cli.output import messages
from handrail.settings import CONFIG_FILE
from handrail.storage import missing_file

NAMED_BY = ("HANDRAIL_PROJECT", "HANDRAIL_HOME", "HANDRAIL_DATABASE_URL")


def open_to_record() -> Platform:
    """Open Handrail; where neither a file nor a variable names the project, say which new store this makes.

    Raises:
        Misconfigured: a setting has an unknown key or a wrong value.
    """
    platform = open_platform()
    settings = platform.settings
    missing = missing_file(settings.store_url)
    if missing and not (settings.project / CONFIG_FILE).is_file() and not any(map(os.environ.get, NAMED_BY)):
        messages.print(
            f"A new store is made: {missing}. Is your project elsewhere? Go there, or set HANDRAIL_PROJECT; "
            f"{CONFIG_FILE} in this folder says that it is here.",
            markup=False,
            highlight=False,
        )
    return platform

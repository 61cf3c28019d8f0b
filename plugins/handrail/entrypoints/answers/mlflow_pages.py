"""Where the MLflow server of a project shows a thing: a version, a run, and the request behind a permit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from handrail.bootstrap.approvals import server_name
from handrail.settings import Settings

_VERSION = re.compile(r"mlflow://(?P<server>[^/]+)/registered/(?P<name>[^/]+)/[0-9]+/(?P<version>[0-9]+)")
_RUN = re.compile(r"mlflow://(?P<server>[^/]+)/run/(?P<run>[^/]+)")
_PERMIT = re.compile(r"approval://(?P<server>[^/]+)/(?P<request>[^/]+)")


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the pages of this project's MLflow server are; `server` is its name in URIs, empty if it has none yet."""

    address: str
    server: str

    @classmethod
    def of(cls, settings: Settings) -> Pages:
        """Return those of a project."""
        # A question makes no folder where no server ever was.
        return cls(settings.url("mlflow"), server_name(settings) if (settings.home / "mlflow").is_dir() else "")

    def page_of(self, uri: str) -> str:
        """Return the address of the page about a thing, empty if this server has none."""
        for form, path in (
            (_VERSION, "/#/models/{name}/versions/{version}"),
            (_RUN, "/#/runs/{run}"),
            (_PERMIT, "/handrail/requests/{request}"),
        ):
            match = form.fullmatch(uri)
            if match and unquote(match["server"]) == self.server:
                parts = {name: quote(unquote(value), safe="") for name, value in match.groupdict().items()}
                return self.address + path.format(**parts)
        return ""

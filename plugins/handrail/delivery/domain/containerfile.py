"""The Containerfile of a bento, as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handrail.delivery.domain.bentos import BuiltBento, PermittedVersion
from handrail.delivery.domain.manifests import PORT, USER
from handrail.errors import InvalidInput

_BASE = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")

TEMPLATE = """\
# Written by `handrail delivery package container`: the model, permit and source are those of the bento, byte for byte.
FROM {base} AS packages
RUN ["python", "-c", "import sys; assert sys.version_info[:2] == {python}, sys.version"]
COPY requirements.lock *.whl /packages/
WORKDIR /packages
# Wheels only, each with the hash of the lock: nothing is compiled, and nothing else is installed.
RUN python -m venv /opt/bento \\
 && /opt/bento/bin/python -m pip install --no-cache-dir --require-hashes --only-binary :all: --no-deps \\
    -r requirements.lock \\
 && /opt/bento/bin/python -m pip check \\
 && /opt/bento/bin/python -m pip uninstall --yes pip setuptools

FROM {base}
LABEL {labels}
ENV BENTOML_DO_NOT_TRACK=True \\
    BENTOML_HOME=/srv/bento/state/bentoml \\
    DO_NOT_TRACK=true \\
    HANDRAIL_HOME=/srv/bento/state \\
    HANDRAIL_PROJECT=/srv/bento/bento/src \\
    HOME=/srv/bento/state \\
    PORT={port} \\
    PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1
COPY --from=packages /opt/bento /opt/bento
COPY bento /srv/bento/bento
COPY start.py /srv/bento/start.py
RUN install -d -o {user} -g {user} -m 700 /srv/bento/state
WORKDIR /srv/bento
USER {user}:{user}
EXPOSE {port}
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \\
    CMD ["/opt/bento/bin/python", "-c", "{ready}"]
ENTRYPOINT ["/opt/bento/bin/python", "/srv/bento/start.py"]
"""


@dataclass(frozen=True, slots=True)
class Image:
    """A bento on a base image, named by digest, with this Python (major, minor)."""

    bento: BuiltBento
    permitted: PermittedVersion
    base: str
    python: tuple[int, int]

    def __post_init__(self) -> None:
        """Check the base.

        Raises:
            InvalidInput: it has no digest, so that it may be another one tomorrow.
        """
        if not _BASE.fullmatch(self.base):
            problem = f"{self.base!r} names no digest, so it may be another image tomorrow"
            remedy = "Ask for it: skopeo inspect --format '{{.Name}}@{{.Digest}}' docker://python:3.11-slim-bookworm."
            raise InvalidInput("--base", problem, remedy)

    def to_text(self) -> str:
        """Return the Containerfile; beside it are requirements.lock, the wheel, start.py and bento/."""
        facts = {
            "org.opencontainers.image.title": self.bento.tag.name,
            "org.opencontainers.image.version": self.bento.tag.version,
            "handrail.bento-digest": self.bento.digest,
            "handrail.model-version": self.permitted.version.uri,
            "handrail.tree": self.permitted.tree_digest,
            "handrail.permit": self.permitted.permit,
        }
        labels = " \\\n      ".join(f'{name}="{value}"' for name, value in facts.items())
        ready = (
            f"import os,urllib.request as r; r.urlopen('http://127.0.0.1:'+os.environ.get('PORT','{PORT}')+'/readyz')"
        )
        values = {
            "base": self.base,
            "python": self.python,
            "labels": labels,
            "user": USER,
            "port": PORT,
            "ready": ready,
        }
        return TEMPLATE.format(**values)

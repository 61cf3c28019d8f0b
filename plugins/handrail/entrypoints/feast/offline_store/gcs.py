"""Google Cloud Storage: pyarrow lists it and Polars reads it, both with the login that the machine has."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from urllib.parse import urlsplit

from pyarrow.fs import FileSystem

from handrail.errors import Misconfigured

GCS = "gs://"
SCHEMES = ("gs", "gcs")
EMULATOR = "STORAGE_EMULATOR_HOST"
"""Where Google's own libraries look for a server to use instead of Google's, without a login."""
PATIENCE = timedelta(minutes=1)
"""How long a request is repeated; pyarrow's own default is fifteen minutes."""


def open_gcs(what: str) -> tuple[FileSystem, dict[str, str]]:
    """Return what lists buckets, and the options by which Polars reads from them; nothing set means the machine's own.

    Raises:
        Misconfigured: this pyarrow was built without it, or the emulator's address is none.
    """
    try:
        from pyarrow.fs import GcsFileSystem
    except ImportError as err:
        raise Misconfigured(what, "this pyarrow cannot read gs://", "Install a wheel of pyarrow that can.") from err
    given = os.environ.get(EMULATOR)
    if not given:
        return GcsFileSystem(retry_time_limit=PATIENCE), {}
    url = urlsplit(given if "://" in given else f"http://{given}")
    if url.scheme not in ("http", "https") or not url.netloc:
        raise Misconfigured(what, f"{EMULATOR} is {given!r}, which is no address", "Set it as http://host:port.")
    listing = GcsFileSystem(anonymous=True, scheme=url.scheme, endpoint_override=url.netloc, retry_time_limit=PATIENCE)
    nobody = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
    account = {"gcs_base_url": f"{url.scheme}://{url.netloc}", "disable_oauth": True, **nobody}
    return listing, {"google_service_account_key": json.dumps(account)}

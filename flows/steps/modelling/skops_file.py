"""Models on disk in skops format, with bytes that depend on the model alone.

skops writes memory addresses as ids and file names and stamps the zip with the time; both are replaced here.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# What scikit-learn's own models need beyond the types that skops trusts by itself.
TRUSTED_TYPES = ("numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
SCHEMA = "schema.json"
EPOCH = (1980, 1, 1, 0, 0, 0)


def write_skops(model: Pipeline, target: Path) -> None:
    """Write `model` to `target`; the same fitted model always gives the same bytes."""
    import skops.io

    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(normalised(skops.io.dumps(model)))


def read_skops(file: Path) -> Pipeline:
    """Load a model that a stage wrote; code outside scikit-learn is never run.

    Raises:
        Unavailable: the file is missing.
        InvalidInput: it is damaged or holds a type that is not trusted.
    """
    import skops.io

    again = "Run: dvc repro --force train."
    try:
        return skops.io.load(file, trusted=list(TRUSTED_TYPES))
    except FileNotFoundError as err:
        raise Unavailable(file.name, f"the model {file.parent.name} is missing", again) from err
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError, EOFError) as err:
        raise InvalidInput(str(file), f"it is not a model that can be loaded ({err!r})", again) from err


def normalised(content: bytes) -> bytes:
    """Return the same skops file with ids and member names counted in order of appearance and fixed dates."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    order = _Numbers()
    schema = order.rewrite(json.loads(members.pop(SCHEMA)))
    renamed = {order.file_name(name): data for name, data in members.items()}
    renamed[SCHEMA] = json.dumps(schema, indent=1).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(renamed):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), renamed[name], zipfile.ZIP_DEFLATED, 6)
    return buffer.getvalue()


class _Numbers:
    """Gives each memory address the number of its first appearance in the schema."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def rewrite(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.rewrite(part) for part in node]
        if not isinstance(node, dict):
            return node
        return {key: self._value(key, part) for key, part in node.items()}

    def _value(self, key: str, part: Any) -> Any:
        if key == "__id__":
            return self._number(int(part))
        if key == "file" and isinstance(part, str):
            return self.file_name(part)
        return self.rewrite(part)

    def file_name(self, name: str) -> str:
        address, dot, ending = name.partition(".")
        if not re.fullmatch(r"\d+", address):
            return name
        return f"{self._number(int(address)):06d}{dot}{ending}"

    def _number(self, address: int) -> int:
        return self._seen.setdefault(address, len(self._seen) + 1)

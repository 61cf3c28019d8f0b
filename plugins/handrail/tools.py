"""Whether an optional package is there, asked before it is imported."""

from __future__ import annotations

from importlib.util import find_spec

from handrail.errors import MissingTool


def require(package: str, extra: str) -> None:
    """Check that a package can be imported, without importing it; `extra` of Handrail brings it.

    Raises:
        MissingTool: it is not installed.
    """
    try:
        found = find_spec(package) is not None
    except ImportError as err:
        raise MissingTool(package, extra) from err
    except ValueError:  # a stand-in without a spec was put into sys.modules
        found = True
    if not found:
        raise MissingTool(package, extra)

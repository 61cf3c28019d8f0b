"""Errors of any class are caught in few places, each with its reason."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("plugins", "flows", "feature_repo", "bentos", "infra")
BROAD = {"Exception", "BaseException"}
MOST = 10


def _broad():
    """Return file and line of every `except` that catches any error, and of every `suppress` that does."""
    for folder in SOURCES:
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                caught = []
                if isinstance(node, ast.ExceptHandler):
                    caught = [node.type] if not isinstance(node.type, ast.Tuple) else node.type.elts
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                    caught = node.args
                if any(each is None or ast.unparse(each) in BROAD for each in caught):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}"


def test_at_most_ten_places_catch_any_error():
    places = list(_broad())

    assert len(places) <= MOST, "\n".join(places)

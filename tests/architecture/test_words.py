"""Words that stop a reader whose second language is English; what to write instead is in the message."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("plugins", "flows", "bentos", "feature_repo", "infra", "config", "README.md")
IN_TESTS = {
    r"tells?|told|tellers?": "report, say, record or send",
    r"stands? for": "represent",
}
PLAIN = {
    **IN_TESTS,
    r"wish(es)?": "option or query",
    r"deeds?": "details",
    r"portraits?": "details",
    r"reigns?": "period",
    r"(come|came)s? of": "produced by",
    r"un(held|peeled)": "what it is",
}


def _files():
    listed = subprocess.run(["git", "ls-files", *PRODUCT], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if name.endswith((".py", ".md", ".yaml", ".toml"))]


@pytest.mark.parametrize(("words", "instead"), PLAIN.items(), ids=list(PLAIN.values()))
def test_a_plain_word_is_used(words, instead):
    pattern = re.compile(rf"(?<![\w-])({words})(?![\w-])", re.IGNORECASE)
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in _files()
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == [], f"write {instead}"


def _sentences_of_tests():
    """Yield file and sentence of every docstring in the tests and of every test's name."""
    for file in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield file, ast.get_docstring(node) or ""
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield file, node.name.replace("_", " ")


@pytest.mark.parametrize(("words", "instead"), IN_TESTS.items(), ids=list(IN_TESTS.values()))
def test_tests_are_named_in_plain_words(words, instead):
    pattern = re.compile(rf"(?<![\w-])({words})(?![\w-])", re.IGNORECASE)
    found = [f"{file.relative_to(ROOT)}: {text}" for file, text in _sentences_of_tests() if pattern.search(text)]

    assert found == [], f"write {instead}"

"""The tree of errors: drawn as it is, facts kept as fields, rebuilt from their facts."""

import ast
import importlib
import inspect
import json
import pickle
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail import errors
from handrail.errors import HandrailError, InvalidInput, Refused, UnknownReference

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"plugins": ROOT / "plugins", "flows": ROOT, "bentos": ROOT, "feature_repo": ROOT, "infra": ROOT}
ANSWERS = {"NotPermitted", "Rejection"}
"""Exceptions inside the HTTP entry points, and of programs that run without Handrail; no caller sees them."""

DRAWN = dict(
    (name, len(indent))
    for indent, name in re.findall(
        r"^( *)([A-Z][A-Za-z]+)(?: {2,}.*)?$", errors.__doc__.partition("\n\n")[2], re.MULTILINE
    )
)


def _classes():
    """Return (module, class, names of its bases) of every class in the product."""
    for folder, root in SOURCES.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    module = ".".join(file.relative_to(root).with_suffix("").parts)
                    yield module, node.name, [base.id for base in node.bases if isinstance(base, ast.Name)]


def _error_classes():
    found, all_classes = {"Exception": None}, list(_classes())
    while True:
        more = {name: module for module, name, bases in all_classes if set(bases) & set(found) and name not in found}
        if not more:
            return {name: module for name, module in found.items() if module and not name.startswith("_")}
        found |= more


ERRORS = _error_classes()
KINDS = [
    getattr(importlib.import_module(module), name)
    for name, module in ERRORS.items()
    if name not in {*ANSWERS, "CannotInstall", "HandrailError"}
]


def test_the_drawn_tree_names_every_error_class():
    assert set(DRAWN) == set(ERRORS) - ANSWERS


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_class_is_drawn_below_its_parent(kind):
    names = list(DRAWN)
    before = [name for name in names[: names.index(kind.__name__)] if DRAWN[name] < DRAWN[kind.__name__]]

    assert before[-1] == kind.__bases__[0].__name__


SAMPLES = {
    "reasons": ("One is missing.", "Two too."),
    "edges": ("a → b", "b → a"),
    "candidates": tuple("abcdefg"),
    "first": datetime(2026, 1, 2, tzinfo=UTC),
    "asked": datetime(2026, 1, 1, tzinfo=UTC),
}


def _facts(kind):
    return {name: SAMPLES.get(name, f"<{name}>") for name in inspect.signature(kind).parameters}


def _sample(kind):
    return kind(*_facts(kind).values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_keeps_what_it_was_given_and_is_made_again_from_it(kind):
    err = _sample(kind)

    assert list(err.facts()) == list(inspect.signature(kind).parameters)
    for again in kind(**err.facts()), pickle.loads(pickle.dumps(err)):
        assert type(again) is kind
        assert (str(again), again.facts()) == (str(err), err.facts())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_made_with_keywords_passes_between_processes(kind):
    err = kind(**_facts(kind))
    err.add_note("Seen in a worker.")

    again = pickle.loads(pickle.dumps(err))

    assert (type(again), str(again), again.args) == (kind, str(err), err.args)
    assert (again.facts(), again.__notes__) == (err.facts(), ["Seen in a worker."])


def test_the_root_keeps_its_sentence_between_processes():
    assert str(pickle.loads(pickle.dumps(HandrailError("It ended.")))) == "It ended."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_sentence_holds_the_facts_and_ends(kind):
    sentence = str(_sample(kind))

    assert "<" in sentence or "→" in sentence or "several" in sentence
    assert sentence.endswith((".", ">"))


def test_facts_survive_json():
    err = UnknownReference("policy", "challenger", "Add it.", field="alias")
    refused = Refused("This", ("One.", "Two."))

    for error in err, refused:
        again = type(error)(**json.loads(json.dumps(error.facts())))
        assert (str(again), again.facts()) == (str(error), error.facts())
    assert (err.field, err.kind, err.name) == ("alias", "policy", "challenger")
    assert isinstance(err, InvalidInput)


def test_every_root_is_the_same():
    assert all(issubclass(kind, HandrailError) for kind in KINDS)

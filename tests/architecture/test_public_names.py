"""The page of public names: every name in an `__all__` with its signature, and no other."""

import enum
import importlib
import inspect
import re
import warnings
from pathlib import Path

import pytest
from pydantic import BaseModel

PAGE = Path(__file__).resolve().parents[2] / "plugins" / "handrail" / "README.md"
FACES = (
    "handrail",
    *(f"handrail.{host}" for host in ("bentoml", "evidently", "feast", "gx", "http", "mlflow", "prefect", "prompts")),
    *(
        f"handrail.{plugin}"
        for plugin in ("acquisition", "approvals", "delivery", "feedback", "lineage", "reproduction")
    ),
    *(f"handrail.{module}" for module in ("errors", "refs", "settings")),
)
LONGEST_VALUE = 20


def _type(annotation):
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    if not isinstance(annotation, str) and "[" in str(annotation):
        text = str(annotation)
    return re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", text)


def _parameter(parameter):
    prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    typed = parameter.annotation is not parameter.empty
    text = f"{prefix}{parameter.name}" + (f": {_type(parameter.annotation)}" if typed else "")
    if parameter.default is parameter.empty:
        return text
    return text + (" = " if typed else "=") + re.sub(r"<.*>", "...", repr(parameter.default))


def _parameters(value):
    given, texts, starred = inspect.signature(value), [], False
    for parameter in given.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            texts.append("*")
        starred = starred or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        texts.append(_parameter(parameter))
    returned = given.return_annotation
    arrow = "" if returned is given.empty or isinstance(value, type) else f" -> {_type(returned)}"
    return f"({', '.join(texts)}){arrow}"


def signature_of(name, value):
    """Return a public name as the page has it."""
    if not callable(value):
        return f"{name} = {value!r}" if len(repr(value)) <= LONGEST_VALUE and name.isupper() else name
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return f"{name}: {', '.join(value.__members__)}"
    if isinstance(value, type) and value.__init__ is Exception.__init__:
        return name  # a root to catch; it is never made
    if isinstance(value, type) and issubclass(value, BaseModel):
        return f"{name}({', '.join(value.model_fields)})"
    if getattr(value, "_is_protocol", False):
        return f"{name}: {', '.join(part for part in vars(value) if not part.startswith('_'))}"
    return name + _parameters(value)


def _expected(face):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the tools warn of while they are imported
        if face == "handrail.mlflow":
            importlib.import_module("mlflow.data")  # the host is always there first: it loads the entry point
        module = importlib.import_module(face)
        return {name: signature_of(name, getattr(module, name)) for name in module.__all__}


def _written():
    """Return what the page has: face → name → signature."""
    parts = re.split(r"^### `([a-z_.]+)`$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for face, text in zip(parts[1::2], parts[2::2], strict=True):
        lines = re.findall(r"^- `([^`]+)`: \S.*$", text, re.MULTILINE)
        found[face] = {re.match(r"\w+", line)[0]: line for line in lines}
    return found


def test_the_page_has_every_face():
    assert tuple(_written()) == FACES


@pytest.mark.parametrize("face", FACES)
def test_the_page_has_every_public_name_as_it_is(face):
    expected, written = _expected(face), _written().get(face, {})

    wrong = [f"- `{line}`: <one line>" for name, line in expected.items() if written.get(name) != line]
    extra = [f"remove: {line}" for name, line in written.items() if name not in expected]
    assert not wrong + extra, f"In {PAGE.name}, below {face}:\n" + "\n".join(wrong + extra)


@pytest.mark.parametrize("face", FACES)
def test_public_names_stand_once(face):
    names = importlib.import_module(face).__all__

    assert len(names) == len(set(names))

"""Every port is kept: an adapter names it by subclassing, and so does a fake, or a contract test runs the adapter."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins" / "handrail"
PORTS = {
    (file.parent.name, node.name): file
    for file in PLUGINS.glob("*/*ports.py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef) and "Protocol" in [ast.unparse(base) for base in node.bases]
}

PRODUCT = ("plugins", "feature_repo", "bentos", "flows", "infra")
"""A port of a plugin may be kept by the project around it: what a bento holds, whose login fetches a tree."""


def _classes(file):
    """Yield the name of each class of a file with the (module, name) of each of its bases."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removeprefix("plugins.")
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: (alias.name, None) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield (module, node.name), [_resolved(base, names, module) for base in node.bases]


def _resolved(base, names, module):
    if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name) and base.value.id in names:
        parent, name = names[base.value.id]
        return f"{parent}.{name}" if name else parent, base.attr
    name = ast.unparse(base).partition("[")[0]
    module, name = names.get(name, (module, name))
    by_face = (module.removeprefix("handrail."), name) in PORTS
    return f"{module}.ports" if by_face else module, name


def _python_files(*folders):
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


BASES = {made: bases for file in _python_files(*PRODUCT, "tests") for made, bases in _classes(file)}
CONTRACTS = "\n".join(file.read_text(encoding="utf-8") for file in _python_files("tests/contracts", "tests/adapters"))


def _keepers(port):
    """Return the classes below a port, at any distance, that are no ports themselves."""
    direct = {made for made, bases in BASES.items() if port in bases}
    below = direct.union(*map(_keepers, direct))
    return {(module, name) for module, name in below if (module.split(".")[1], name) not in PORTS}


@pytest.mark.parametrize(("plugin", "name"), sorted(PORTS), ids=lambda part: part)
def test_a_port_has_an_adapter_and_a_fake_or_a_contract(plugin, name):
    keepers = _keepers((f"handrail.{plugin}.{PORTS[plugin, name].stem}", name))
    adapters = {name for module, name in keepers if not module.startswith("tests.")}
    fakes = {name for module, name in keepers if module.startswith("tests.")}

    assert adapters, f"no adapter of {plugin} is a subclass of {name}"
    assert fakes or any(adapter in CONTRACTS for adapter in adapters), f"nothing runs the contract of {name}"


@pytest.mark.parametrize(("plugin", "name"), sorted(PORTS), ids=lambda part: part)
def test_the_methods_of_a_port_are_abstract(plugin, name):
    tree = ast.parse(PORTS[plugin, name].read_text(encoding="utf-8"))
    (port,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]

    for method in [node for node in port.body if isinstance(node, ast.FunctionDef)]:
        assert "abstractmethod" in [ast.unparse(decorator) for decorator in method.decorator_list], method.name

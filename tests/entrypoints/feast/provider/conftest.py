"""One applied shop in a DVC project for the tests that only read it, and a fresh one for those that write."""

import os

import pytest

from handrail.entrypoints.feast import provider
from handrail.entrypoints.hosts.recording import platform_here
from tests.entrypoints.feast.provider.shop import open_shop


def make_project(folder, *, under_dvc=True):
    """Lay out a project whose lineage has a store of its own."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "handrail.yaml").write_text("repository: shop\n")
    if under_dvc:
        (folder / ".dvc").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith("HANDRAIL_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    yield
    provider.flush()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """An applied shop, `features` below a DVC project; read it only."""
    project = make_project(tmp_path_factory.mktemp("shared"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return open_shop(project / "features")


@pytest.fixture
def shop(shared, monkeypatch):
    """The shared shop, from within its project."""
    monkeypatch.chdir(shared.repo_path.parent)
    return shared


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty DVC project, from within."""
    monkeypatch.chdir(make_project(tmp_path / "project"))
    return tmp_path / "project"


class Told:
    """What was sent to lineage in the current project."""

    @property
    def lineage(self):
        provider.flush()
        return platform_here().lineage

    def uris(self, kind):
        """Return the URIs of that kind of thing in the shop, in no order of meaning."""
        return list(self.lineage._ports.graph.find(f"feast://shop/{kind}/", 1000))

    def node(self, uri):
        return next(node for node in self.lineage.trace(uri).nodes if node.uri == uri)

    def causes(self, uri):
        """Return the direct causes of a thing by kind."""
        trace = self.lineage.trace(uri)
        near = {edge.cause for edge in trace.edges if edge.effect == uri}
        found = {}
        for node in trace.nodes:
            if node.uri in near:
                found.setdefault(node.kind, []).append(node)
        return found

    def proven(self, effect, cause):
        return any(e.proven for e in self.lineage.trace(effect).edges if (e.effect, e.cause) == (effect, cause))


@pytest.fixture
def told():
    return Told()

"""`Registry`: the same promises by the fake and by MLflow's own stores."""

import pytest

from handrail.approvals.adapters import mlflow_registry
from handrail.approvals.adapters.mlflow_registry import MlflowRegistry, is_allowed_move
from handrail.approvals.domain.standing import Pointed
from handrail.errors import Refused, Unavailable, UnknownReference
from tests.fakes.approvals_world import World


class Memory:
    """Registers in the fake."""

    def __init__(self):
        self.world = World()
        self.registry = self.world.registry

    def register(self, name):
        return self.world.register(1 + len(self.registry.versions)).version

    def register_prompt(self, **parts):
        return self.world.register_prompt(1 + len(self.registry.versions), **parts).version

    def fail(self):
        self.registry.fail_before = Unavailable("The registry", "it is down", "Start it.")


class Mlflow:
    """Registers in MLflow's stores; moves pass through a store like the guarded one."""

    def __init__(self, stores, artifacts):
        self.stores, self.broken = stores, False
        self.seen: list[bool] = []
        outer = self

        class Watched:
            def __getattr__(self, name):
                return getattr(stores.registry, name)

            def set_registered_model_alias(self, name, alias, version):
                if outer.broken:
                    outer.broken = False
                    raise OSError("disk I/O error")
                outer.seen.append(is_allowed_move(name, alias, version))
                return stores.registry.set_registered_model_alias(name, alias, version)

        self.registry = MlflowRegistry(Watched, lambda: stores.tracking, artifacts)

    def register(self, name):
        return self.stores.register(name)

    def register_prompt(self, template="Hello {{name}}", model_config=None, response_format=None):
        return self.stores.register_prompt("greeting", template, model_config, response_format)

    def fail(self):
        self.broken = True


class Stores:
    """MLflow's SQL stores in a folder."""

    def __init__(self, folder):
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore

        url = f"sqlite:///{folder / 'mlflow.db'}"
        self.tracking = TrackingStore(url, "mlflow-artifacts:/")
        self.registry = RegistryStore(url)
        self.run = self.tracking.create_run("0", "u", 0, [], "r").info
        self.names = set()

    def register(self, name, source=None):
        if name not in self.names:
            self.registry.create_registered_model(name)
            self.names.add(name)
        source = source or f"runs:/{self.run.run_id}/model"
        return int(self.registry.create_model_version(name, source, self.run.run_id).version)

    def register_prompt(self, name, template, model_config, response_format):
        """Register as MLflow's own store does."""
        if name not in self.names:
            self.registry.create_prompt(name)
            self.names.add(name)
        parts = {"model_config": model_config, "response_format": response_format}
        return int(self.registry.create_prompt_version(name, template, **parts).version)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return Stores(tmp_path_factory.mktemp("stores"))


@pytest.fixture(params=["memory", "mlflow"])
def world(request, tmp_path):
    return Memory() if request.param == "memory" else Mlflow(request.getfixturevalue("stores"), tmp_path)


def test_a_version_is_known_by_name_and_number_however_written(world):
    version = world.register("flights")

    candidate = world.registry.candidate("flights", str(version))

    assert world.registry.candidate("flights", f"0{version}") == candidate
    assert (candidate.model, candidate.version) == ("flights", version)
    assert candidate.epoch > 0
    assert candidate.created > 0
    assert candidate.tree.startswith("/")


@pytest.mark.parametrize(("model", "version"), [("flights", "999"), ("nowhere", "1"), ("flights", "latest")])
def test_what_is_not_registered_is_named(world, model, version):
    world.register("flights")

    with pytest.raises(UnknownReference, match=f"{model}/{version}"):
        world.registry.candidate(model, version)


def test_an_alias_of_a_model_that_is_not_registered_is_named(world):
    world.register("flights")

    with pytest.raises(UnknownReference, match="nowhere"):
        world.registry.incumbent("nowhere", "champion")


@pytest.mark.parametrize("model", ["flights", "nowhere"])
def test_an_alias_never_points_at_a_version_that_is_not_there(world, model):
    version = world.register("flights")
    world.registry.point("flights", "champion", version)

    with pytest.raises(Unavailable, match="Moving 'champion'"):
        world.registry.point(model, "champion", 999)

    assert world.registry.incumbent("flights", "champion") == version


def test_an_alias_points_where_it_was_pointed_last(world):
    first, second = world.register("flights"), world.register("flights")
    for version in (first, first, second):
        world.registry.point("flights", "champion", version)
        assert world.registry.incumbent("flights", "champion") == version
    assert world.registry.incumbent("flights", "other") is None


def test_a_move_that_was_not_committed_is_reported_and_can_be_repeated(world):
    version = world.register("flights")
    before = world.registry.incumbent("flights", "champion")
    world.fail()

    with pytest.raises(Unavailable):
        world.registry.point("flights", "champion", version)
    assert world.registry.incumbent("flights", "champion") == before

    world.registry.point("flights", "champion", version)
    assert world.registry.incumbent("flights", "champion") == version


def test_only_the_move_under_way_passes_the_guard(stores, tmp_path):
    world = Mlflow(stores, tmp_path)
    version = world.register("flights")

    assert not is_allowed_move("flights", "champion", version)
    world.registry.point("flights", "champion", version)

    assert world.seen == [True]
    assert not is_allowed_move("flights", "champion", version)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("mlflow-artifacts:/0/abc/artifacts/model", "0/abc/artifacts/model"),
        ("mlflow-artifacts:/0/with%20space/model", "0/with space/model"),
        ("{artifacts}/0/abc/model", "0/abc/model"),
        ("file://{artifacts}/0/abc/model", "0/abc/model"),
    ],
)
def test_a_tree_is_found_below_the_servers_own_folder(stores, tmp_path, source, path):
    world = Mlflow(stores, tmp_path)
    version = stores.register("flights", source.format(artifacts=tmp_path))

    assert world.registry.candidate("flights", str(version)).tree == str(tmp_path / path)


def test_a_tree_of_a_run_is_found(stores, tmp_path):
    world = Mlflow(stores, tmp_path)
    version = stores.register("flights")

    tree = world.registry.candidate("flights", str(version)).tree

    assert tree == str(tmp_path / "0" / stores.run.run_id / "artifacts" / "model")


@pytest.mark.parametrize(
    "source",
    ["s3://bucket/model", "/etc", "file:///etc", "mlflow-artifacts:/", "mlflow-artifacts:/../etc", "{artifacts}/../x"],
)
def test_a_tree_elsewhere_is_refused(stores, tmp_path, source):
    world = Mlflow(stores, tmp_path)
    version = stores.register("flights", source.format(artifacts=tmp_path))

    with pytest.raises(Refused, match="not below the folder"):
        world.registry.candidate("flights", str(version))


def test_a_link_out_of_the_folder_is_refused(stores, tmp_path):
    world = Mlflow(stores, tmp_path)
    (tmp_path / "link").symlink_to("/etc")
    version = stores.register("flights", f"{tmp_path}/link/ssl")

    with pytest.raises(Refused, match="not below the folder"):
        world.registry.candidate("flights", str(version))


def test_every_alias_is_listed_with_its_model_and_version(world):
    first, second = world.register("listed"), world.register("listed")
    world.registry.point("listed" if isinstance(world, Mlflow) else "flights", "champion", first)
    world.registry.point("listed" if isinstance(world, Mlflow) else "flights", "shadow", second)

    name = "listed" if isinstance(world, Mlflow) else "flights"
    epoch = world.registry.candidate(name, str(first)).epoch
    listed = [row for row in world.registry.listed_aliases() if row.model == name]

    assert sorted(listed, key=lambda row: row.alias) == [
        Pointed(name, epoch, "champion", first),
        Pointed(name, epoch, "shadow", second),
    ]


def test_aliases_of_more_models_than_a_page_are_all_listed(stores, tmp_path, monkeypatch):
    monkeypatch.setattr(mlflow_registry, "PAGE", 2)
    registry = Mlflow(stores, tmp_path).registry
    names = [f"paged-{number}" for number in range(5)]
    for name in names:
        registry.point(name, "champion", stores.register(name))

    assert {row.model for row in registry.listed_aliases()} >= set(names)

"""`EvidenceFiles`: the same promises by the fake and by a store of MLflow."""

import pytest

from handrail.approvals.adapters.mlflow_evidence_files import LARGEST_BYTES, MlflowEvidenceFiles
from handrail.errors import Refused, UnknownReference
from tests.fakes.approvals_evidence import FakeEvidenceFiles
from tests.fakes.mlflow_database import with_tables


class Memory:
    """Files in the fake."""

    def __init__(self, _folder):
        self.files, self.run_id = FakeEvidenceFiles(), "run"

    def log(self, path, content):
        self.files.files[self.run_id, path] = content


class Store:
    """Files of a run in a real tracking store."""

    def __init__(self, folder):
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        self.folder = folder / "artifacts"
        store = SqlAlchemyStore(with_tables(folder / "server.db"), "mlflow-artifacts:/")
        self.run_id = store.create_run("0", "ada", 0, [], "run").info.run_id
        self.files = MlflowEvidenceFiles(lambda: store, self.folder)
        self.root = self.folder / "0" / self.run_id / "artifacts"

    def log(self, path, content):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)


@pytest.fixture(params=[Memory, Store])
def world(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.mark.parametrize("path", ["parity.json", "reports/deep/parity.json"])
def test_a_file_is_read_with_its_folder(world, path):
    world.log(path, b"{}")

    folder, content = world.files.read(world.run_id, path)

    assert content == b"{}"
    assert folder.endswith(path.rpartition("/")[0])


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x"])
def test_what_lies_elsewhere_is_refused(world, path):
    with pytest.raises(Refused):
        world.files.read(world.run_id, path)


def test_a_file_that_is_not_there_is_named(world):
    with pytest.raises(UnknownReference, match=r"none\.json"):
        world.files.read(world.run_id, "none.json")


def test_a_run_that_is_not_there_is_named(world):
    with pytest.raises(UnknownReference):
        world.files.read("0" * 32, "parity.json")


def test_links_folders_and_large_files_are_refused(store, tmp_path):
    (tmp_path / "secret.json").write_bytes(b"{}")
    store.log("a/b.json", b"{}")
    (store.root / "link.json").symlink_to(tmp_path / "secret.json")
    (store.root / "folder").symlink_to(tmp_path)
    store.log("large.json", b" " * (LARGEST_BYTES + 1))

    for path in ("link.json", "folder/secret.json", "a", "large.json"):
        with pytest.raises(Refused):
            store.files.read(store.run_id, path)

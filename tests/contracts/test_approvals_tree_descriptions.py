"""`TreeDescriptions`: `DescribedTrees` over copies in memory and in a folder."""

import json

import pytest

from handrail.approvals.adapters.described_trees import LARGEST, DescribedTrees
from handrail.approvals.adapters.folder_copies import FolderCopies
from handrail.approvals.domain.sides import NamedFeatures
from handrail.errors import UnknownReference
from tests.fakes.approvals import FakeTrees
from tests.fakes.approvals_evidence import MemoryCopies

CONDA = b"""
channels: [conda-forge]
dependencies:
- python=3.12.1
- pip<=25
- pip:
  - numpy==1.26
  - Scikit_Learn==1.5
name: env
"""


class Memory:
    """Copies in the fake."""

    def __init__(self, _folder):
        self.trees = FakeTrees()
        self.copies = MemoryCopies(self.trees)
        self.described = DescribedTrees(self.copies).described

    def take(self, files):
        self.trees.content["/tree"] = files
        return self.copies.take("/tree").digest


class Folder:
    """Copies in a folder."""

    def __init__(self, folder):
        self.folder = folder / "tree"
        self.copies = FolderCopies(folder / "copies")
        self.described = DescribedTrees(self.copies).described

    def take(self, files):
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(content)
        return self.copies.take(str(self.folder)).digest


@pytest.fixture(params=[Memory, Folder])
def world(request, tmp_path):
    return request.param(tmp_path)


def _mlmodel(signature):
    return json.dumps({"signature": {"inputs": json.dumps(signature)}}).encode()


def test_the_features_are_the_inputs_that_mlmodel_names(world):
    digest = world.take({"MLmodel": _mlmodel([{"name": "b", "type": "double"}, {"name": "a", "type": "string"}])})

    found = world.described(digest)

    assert (found.features, found.unread, found.manifest.digest) == (("b", "a"), (), digest)


def test_the_feature_service_is_the_one_that_a_package_is_fed_by(world):
    service = {"feature_service": {"name": "flights_v1", "spec_hash": "f" * 64}}
    digest = world.take({"scoring.json": json.dumps(service).encode()})

    assert world.described(digest).service == NamedFeatures("flights_v1", "sha256:" + "f" * 64)


def test_packages_come_from_each_list_and_two_words_about_one_stand_side_by_side(world):
    requirements = (
        b"# made by hand\n--extra-index-url x\nnumpy==1.25  # old\nscikit-learn==1.5\nmlflow[extras]>=2 ; os_name\n"
        b"pandas==2 \\\n  --hash=sha256:aa \\\n  --hash=sha256:bb\nhttps://x.org/y.whl\nplain\n"
    )
    digest = world.take(
        {"requirements.txt": requirements, "conda.yaml": CONDA, "python_env.yaml": b"python: 3.12.1\ndependencies: [x]"}
    )

    assert world.described(digest).packages == {
        "numpy": "==1.25 | ==1.26",
        "scikit-learn": "==1.5",
        "mlflow": "[extras]>=2 ; os_name",
        "pandas": "==2",
        "https://x.org/y.whl": "any",
        "plain": "any",
        "python": "3.12.1",
        "pip (conda)": "<=25",
    }


def test_a_tree_without_descriptions_says_nothing(world):
    found = world.described(world.take({"model.bin": b"x"}))

    assert (found.features, found.packages, found.service, found.unread) == (None, None, None, ())


@pytest.mark.parametrize("path", ["requirements.txt", "conda.yaml", "python_env.yaml", "MLmodel", "scoring.json"])
@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"[" * 5000, b"x" * (LARGEST + 1)], ids=["bytes", "deep", "large"]
)
def test_what_is_not_what_it_should_be_is_said(world, path, content):
    found = world.described(world.take({path: content, "other": b"x"}))

    assert found.features is None
    if content != b"[" * 5000 or path != "requirements.txt":
        assert found.unread[0].startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize(
    "described",
    [b"7", b"signature: 7", b"signature: {inputs: 7}", b"signature: {inputs: '[7, {}]'}", b"signature: {inputs: '{}'}"],
)
def test_a_signature_without_names_names_no_features(world, described):
    assert world.described(world.take({"MLmodel": described})).features is None


def test_a_tree_that_is_not_kept_is_named(world):
    with pytest.raises(UnknownReference):
        world.described("sha256:" + "0" * 64)


@pytest.mark.parametrize(
    ("scoring", "settings"),
    [
        ({"threshold": 0.24, "kind": "binary", "features": ["a"], "categories": {}, "empty": None}, (0.24, "binary")),
        (["threshold"], None),
    ],
)
def test_the_single_values_by_which_a_package_answers_are_read(world, scoring, settings):
    found = world.described(world.take({"scoring.json": json.dumps(scoring).encode()})).settings

    assert (None if found is None else (found["threshold"], found["kind"])) == settings
    assert found is None or {*found} == {"threshold", "kind"}


def test_a_package_that_cannot_be_read_is_named_once(world):
    found = world.described(world.take({"scoring.json": b"{"}))

    assert found.settings is None
    assert [sentence.partition(":")[0] for sentence in found.unread] == ["scoring.json cannot be read"]

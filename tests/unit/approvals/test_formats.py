"""Which trees run code when they are loaded, and that the policy decides about them."""

import pickle

import pytest

from handrail.approvals.domain.formats import formats_in
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.terms import PermitRules
from handrail.errors import Refused
from tests.fakes.approvals_world import World, opening

SKLEARN = {"loader_module": "mlflow.sklearn", "model_path": "model.skops"}


def _flavors(**flavors):
    return {"flavors": flavors}


@pytest.mark.parametrize("path", ["m.pkl", "a/b.PICKLE", "m.joblib", "m.pt", "m.pth", "m.ckpt", "m.dill"])
def test_a_name_shows_pickle(path):
    assert formats_in({path: b""}, None) == {"pickle": f"The file {path!r}"}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_the_first_bytes_show_pickle_whatever_the_name(protocol):
    assert list(formats_in({"weights.onnx": pickle.dumps({}, protocol)}, None)) == ["pickle"]


def test_what_torch_saves_under_another_name_is_pickle():
    assert list(formats_in({"w.bin": b"PK\x03\x04" + bytes(26) + b"archive/data.pkl"}, None)) == ["pickle"]


@pytest.mark.parametrize("path", ["code/train.py", "x.so", "m.keras", "m.h5"])
def test_a_name_shows_code(path):
    assert list(formats_in({path: b""}, None)) == ["code"]


@pytest.mark.parametrize(
    ("mlmodel", "found"),
    [
        (_flavors(sklearn={"serialization_format": "cloudpickle"}), ["pickle"]),
        (_flavors(sklearn={"serialization_format": "pickle"}), ["pickle"]),
        (_flavors(sklearn={"pickled_model": "model.skops"}), ["pickle"]),
        (_flavors(sklearn={"serialization_format": "skops"}, python_function=SKLEARN), []),
        (_flavors(onnx={"data": "model.onnx"}, python_function={"loader_module": "mlflow.onnx"}), []),
        (_flavors(pytorch={"model_data": "data"}), ["pickle"]),
        (_flavors(python_function={"loader_module": "mlflow.pyfunc.model", "python_model": "x"}), ["pickle"]),
        (_flavors(python_function={"loader_module": "mlflow.pyfunc.model", "cloudpickle_version": "3"}), ["pickle"]),
        (
            _flavors(python_function={"loader_module": "mlflow.pyfunc.loaders.code_model", "model_code_path": "m"}),
            ["code"],
        ),
        (_flavors(python_function={"loader_module": "my.loader"}), ["code"]),
        (_flavors(python_function=SKLEARN | {"code": "code"}), ["code"]),
        ({"flavors": "sklearn"}, []),
        ("text", []),
        (None, []),
    ],
)
def test_mlmodel_is_read_and_not_guessed(mlmodel, found):
    assert list(formats_in({"model.skops": b"PK\x03\x04" + bytes(26) + b"schema.json"}, mlmodel)) == found


@pytest.fixture
def pickled():
    world = World()
    world.trees.content["/artifacts/1/1/model"]["model.pkl"] = b"x"
    return world


def test_pickle_is_refused_unless_the_policy_allows_it(pickled):
    judgement = pickled.gate.open_request(opening(), "ada").judgement

    assert judgement.verdict is Verdict.REFUSED
    assert judgement.reasons[0].startswith("The file 'model.pkl' is pickle, which runs code when it is loaded")


def test_what_the_policy_allows_is_promoted_and_stands_in_the_permit(pickled):
    pickled.change_rules(permits=PermitRules(formats=frozenset({"pickle"})))

    permit, _ = pickled.journal.promotions[pickled.promote()]

    assert permit.terms.formats == ("pickle",)


def test_a_tree_with_an_upload_that_has_not_ended_cannot_be_asked_for():
    world = World()
    world.trees.content["/artifacts/1/1/model"]["onnx/.artifact.uploading.1a2b"] = b"half"

    with pytest.raises(Refused, match="an upload that has not ended"):
        world.ask()

"""How a bento is named, what it says about itself, and where it carries what is verified."""

from dataclasses import replace
from pathlib import Path

import pytest

from handrail.delivery import BuiltBento, PermittedVersion
from handrail.delivery.domain import Carried
from handrail.refs import BentoTag, ModelVersion
from tests.fakes.delivery import BUILT

TREE, SOURCE = "0123456789ab" + "c" * 52, "01234567" + "d" * 56
PERMITTED = PermittedVersion(
    permit="approval://registry/pr-4",
    permit_digest="sha256:" + "e" * 64,
    version=ModelVersion("registry", "flights", 17, 3),
    run_id="run-1",
    tree_digest=f"sha256:{TREE}",
    approvers=("bea", "carl"),
    files=frozenset(),
)


def test_a_bento_is_named_by_version_tree_and_source():
    assert PERMITTED.bento_version(SOURCE) == "v3-0123456789ab-01234567"


@pytest.mark.parametrize(
    "other",
    [
        replace(PERMITTED, version=ModelVersion("registry", "flights", 17, 4)),
        replace(PERMITTED, tree_digest="sha256:" + TREE[:11] + "d" + TREE[12:]),
    ],
)
def test_another_version_or_tree_is_another_bento(other):
    assert other.bento_version(SOURCE) != PERMITTED.bento_version(SOURCE)


def test_another_source_is_another_bento():
    assert PERMITTED.bento_version(SOURCE[:7] + "f" + SOURCE[8:]) != PERMITTED.bento_version(SOURCE)


def test_labels_lead_a_reader_from_the_bento_to_version_run_tree_permit_and_approvers():
    assert PERMITTED.labels == {
        "mlflow_model": "flights",
        "mlflow_model_version": "3",
        "mlflow_run_id": "run-1",
        "handrail_tree_digest": f"sha256:{TREE}",
        "handrail_permit": "approval://registry/pr-4",
        "handrail_approvers": "bea,carl",
    }


def test_a_version_that_no_run_logged_has_an_empty_label():
    assert replace(PERMITTED, run_id=None).labels["mlflow_run_id"] == ""


def test_what_a_bento_carries_lies_in_its_source():
    built = BuiltBento(BentoTag("flights", "v3"), Path("bentos/flights/v3"), BUILT, "sha256:0")

    assert built.root == Path("bentos/flights/v3/src")
    assert Carried.below(built.root) == Carried(
        built.root / "model", built.root / "permit.json", built.root / "use.json"
    )

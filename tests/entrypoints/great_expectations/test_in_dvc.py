"""A DVC stage that validates with Great Expectations: one validation, one name, whoever reports it."""

import hashlib
import sys

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.lineage import find_commit
from tests.fakes.dvc_repository import DVC, add, commit, make_repository, run

STAGE = """
import shutil
import great_expectations as gx, great_expectations.expectations as gxe
from great_expectations.checkpoint import Checkpoint
from handrail.entrypoints.great_expectations.action import HandrailAction

shutil.copyfile("orders.csv", "clean.csv")
context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {{"globally": False, "metric_calculations": False}}
asset = context.data_sources.add_pandas("files").add_csv_asset("orders", filepath_or_buffer="{checked}")
batch = asset.add_batch_definition("all")
suite = context.suites.add(gx.ExpectationSuite("s", expectations=[gxe.ExpectColumnToExist(column="id")]))
definition = context.validation_definitions.add(gx.ValidationDefinition(name="v", data=batch, suite=suite))
actions = [HandrailAction(to="validation.json")]
context.checkpoints.add(Checkpoint(name="c", validation_definitions=[definition], actions=actions)).run()
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = make_repository(tmp_path / "shop")
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HANDRAIL_REPOSITORY", "shop")
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "False")
    monkeypatch.chdir(folder)
    add(folder, "orders.csv", "id\n1\n")
    return folder


def run_stage(folder, checked):
    (folder / "check.py").write_text(STAGE.format(checked=checked))
    outputs = ("-o", "clean.csv", "-M", "validation.json")
    run(
        folder,
        *DVC,
        "stage",
        "add",
        "-q",
        "-f",
        "-n",
        "check",
        "-d",
        "orders.csv",
        *outputs,
        f"{sys.executable} check.py",
    )
    run(folder, *DVC, "repro", "-q", "-f")
    return commit(folder, "Run the pipeline")


def verdict(lineage, folder, made):
    """The validation that DVC's record names, and its causes."""
    lineage.record_pipeline(folder, made)
    uri = "gx://shop/validation/" + hashlib.sha256((folder / "validation.json").read_bytes()).hexdigest()
    return uri, {edge.cause.partition("@")[0]: edge for edge in lineage.trace(uri).edges if edge.effect == uri}


def test_the_actions_validation_is_the_one_that_dvc_names_and_stands_before_what_came_of_it(project):
    made = run_stage(project, "orders.csv")
    lineage = open_platform().lineage

    uri, causes = verdict(lineage, project, made)

    assert {cause.rpartition("/")[0] for cause in causes} == {"gx://shop/checkpoint/c", "dvc://shop"}
    assert causes["dvc://shop/validation.json"].proven
    clean = {edge.cause for edge in lineage.trace("clean.csv").edges if "/clean.csv@" in edge.effect}
    assert uri in clean
    assert f"git://shop/{find_commit(project)}" in {node.uri for node in lineage.trace("clean.csv").nodes}


def test_a_stage_may_validate_what_it_wrote_without_closing_a_circle(project):
    made = run_stage(project, "clean.csv")
    lineage = open_platform().lineage

    uri, _ = verdict(lineage, project, made)

    assert any("/clean.csv@" in node.uri for node in lineage.trace(uri).nodes)
    assert uri not in {node.uri for node in lineage.trace("clean.csv").nodes}


def test_the_same_run_again_writes_the_same_bytes(project):
    run_stage(project, "orders.csv")
    first = (project / "validation.json").read_bytes()

    run_stage(project, "orders.csv")

    assert (project / "validation.json").read_bytes() == first

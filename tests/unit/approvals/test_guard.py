import pytest

from handrail.approvals.domain.errors import Protected
from handrail.approvals.service.guard import is_bound_tag
from tests.fakes.approvals_world import World


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("alias", ["champion", "Champion", "CHAMPION", " champion", "ｃhampion"])
def test_a_protected_alias_is_refused_however_it_is_spelt(world, alias):
    with pytest.raises(Protected, match="open a promotion request"):
        world.guard.alias("flights", alias)


def test_other_aliases_are_free(world):
    world.guard.alias("flights", "challenger")
    world.guard.alias("flights", "champion-2")


@pytest.mark.parametrize("stages", [("Production", "None"), ("PRODUCTION", None), ("Archived", "Production")])
def test_production_is_neither_entered_nor_left(world, stages):
    with pytest.raises(Protected, match="Production"):
        world.guard.stage("flights", *stages)


def test_other_stages_are_free(world):
    world.guard.stage("flights", "Staging", "None")


@pytest.mark.parametrize("key", ["approval.by", "Approval.by", "APPROVAL.", "ａpproval.x", "mlflow.prompt.is_prompt"])
def test_reserved_tags_are_refused(world, key):
    with pytest.raises(Protected, match="reserved"):
        world.guard.tag(key)


def test_other_tags_are_free(world):
    world.guard.tag("approval")
    world.guard.tag("team")


HELD = [
    ("version", "flights/1"),
    ("model", "flights"),
    ("run", "run-1"),
    ("experiment", "1"),
]


@pytest.mark.parametrize(("kind", "key"), HELD)
def test_what_was_promoted_can_only_be_removed_before(world, kind, key):
    world.guard.removal(kind, key)

    world.promote()

    with pytest.raises(Protected, match="version 1 of 'flights'"):
        world.guard.removal(kind, key)


@pytest.mark.parametrize("path", ["", "/MLmodel", "/onnx/model.onnx", "/new/file"])
def test_files_of_a_promoted_version_are_frozen(world, path):
    world.guard.write(f"/artifacts/1/1/model{path}")

    world.promote()

    name = f"/model{path}".rpartition("/")[2]
    with pytest.raises(Protected, match=f"^Writing to '{name}'.*register a new version"):
        world.guard.write(f"/artifacts/1/1/model{path}")


@pytest.mark.parametrize("path", ["/artifacts/1/1", "/artifacts", "/"])
def test_what_lies_above_frozen_files_is_frozen(world, path):
    world.promote()

    with pytest.raises(Protected):
        world.guard.write(path)


@pytest.mark.parametrize(
    "path", ["/artifacts/1/1/model2", "/artifacts/1/1/plots/a.png", "/artifacts/1/2/model/MLmodel"]
)
def test_other_files_are_free(world, path):
    world.promote()

    world.guard.write(path)


def test_what_an_unknown_account_made_has_no_maker(world):
    world.guard.made("run", "r", None)

    assert not [row for row in world.provenance.rows if row[1] == "r"]


@pytest.mark.parametrize(
    "key",
    ["mlflow.source.git.commit", "MLFLOW.user", "mlflow.parentRunId", "lineage.dvc.x", "ｌineage.y"],
)
def test_tags_that_say_where_a_run_came_from_are_known_in_any_spelling(key):
    assert is_bound_tag(key)


@pytest.mark.parametrize("key", ["mlflow.runName", "mlflow.note.content", "team", "mlflow.log-model.history"])
def test_other_tags_of_a_run_are_its_owners(key):
    assert not is_bound_tag(key)


def test_where_a_run_came_from_stays_once_its_version_is_promoted(world):
    world.guard.origin("run", "run-1", "What it read")

    world.promote()

    assert world.guard.is_held("run", "run-1")
    with pytest.raises(Protected, match=r"^Changing the run 'run-1' \(what it read\) .*register a new version"):
        world.guard.origin("run", "run-1", "What it read")


TAKEN = ("mlflow-artifacts:/1", "mlflow-artifacts:/team/churn", "s3://bucket/x", "file:///data")


@pytest.mark.parametrize(
    "location",
    [
        *("/data/x", "data", "file:/data", "file:///artifacts/1/run/artifacts/model", "FILE:///x", "./x"),
        *("mlflow-artifacts:/1/run/artifacts/model", "mlflow-artifacts:/1", "mlflow-artifacts:/", "mlflow-artifacts:"),
        *("mlflow-artifacts:/team", "mlflow-artifacts://host/team/churn/x", "mlflow-artifacts:/team//churn/./x"),
        *(
            "mlflow-artifacts:/other/../1",
            "mlflow-artifacts:/%74eam/churn",
            "mlflow-artifacts:/77",
            "mlflow-artifacts:/٧",
        ),
    ],
)
def test_an_experiment_is_not_put_on_this_machine_or_over_anothers_files(world, location):
    with pytest.raises(Protected, match="Leave artifact_location out"):
        world.guard.place(location, TAKEN)


@pytest.mark.parametrize("location", ["mlflow-artifacts:/team/other", "mlflow-artifacts:/new", "s3://bucket/x"])
def test_a_place_of_its_own_is_free(world, location):
    world.guard.place(location, TAKEN)

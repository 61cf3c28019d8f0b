"""Which commit of which repository a run or a logged model came from, by its tags."""

from dataclasses import replace
from types import SimpleNamespace as Thing

import pytest

from handrail.entrypoints.mlflow.collect import records_of_model, records_of_run
from handrail.entrypoints.mlflow.collect.repositories import repository_name
from tests.fakes.mlflow_entities import COMMIT, MD5, NAMING, causes, dataset, run, said, used

OURS, THEIRS = "https://github.com/acme/shop", "https://github.com/acme/pricing.git"


@pytest.mark.parametrize(
    ("tags", "uses", "attributes"),
    [
        ({"handrail.git_commit": COMMIT, "handrail.git_dirty": "false"}, f"git:{COMMIT}", {"git_dirty": "false"}),
        ({"mlflow.source.git.commit": COMMIT}, None, {"git_dirty": "unknown"}),
    ],
)
def test_a_clean_commit_is_used(tags, uses, attributes):
    assert used(run(tags)) == {f"git://shop/{COMMIT}": uses}
    assert said(run(tags)).items() >= attributes.items()


def test_a_dirty_commit_is_an_attribute_and_no_proof():
    tags = {"handrail.git_commit": COMMIT, "handrail.git_dirty": "true"}

    assert used(run(tags)) == {}
    assert said(run(tags)).items() >= {"git_commit": COMMIT, "git_dirty": "true"}.items()


def test_a_run_may_be_of_another_repository_than_the_servers():
    tags = {"handrail.git_commit": COMMIT, "handrail.git_dirty": "false", "handrail.repository": "other"}

    assert list(used(run(tags))) == [f"git://other/{COMMIT}"]
    assert list(used(run(tags | {"handrail.repository": "../x y"}))) == [f"git://..%2Fx%20y/{COMMIT}"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/pricing.git", "github.com/acme/pricing"),
        ("https://ann:token@GitHub.com:443/acme/pricing/", "github.com/acme/pricing"),
        ("git@github.com:acme/pricing.git", "github.com/acme/pricing"),
        ("ssh://git@github.com:22/acme/pricing.git", "github.com/acme/pricing"),
        ("git://github.com/acme/pricing?ref=main", "github.com/acme/pricing"),
        ("file:///srv/git/pricing.git", "/srv/git/pricing"),
        ("/srv/git/pricing/.git", "/srv/git/pricing"),
        ("../pricing", "../pricing"),
        ("C:\\work\\pricing", "C:\\work\\pricing"),
    ],
)
def test_all_ways_to_write_an_address_give_one_name(address, name):
    assert repository_name(address) == name


@pytest.mark.parametrize(
    ("tags", "repository"),
    [
        ({"mlflow.source.git.commit": COMMIT}, "shop"),
        ({"mlflow.source.git.commit": COMMIT, "mlflow.source.git.repoURL": THEIRS}, "github.com%2Facme%2Fpricing"),
        ({"mlflow.source.git.commit": COMMIT, "mlflow.source.git.repoURL": OURS}, "shop"),
        ({"mlflow.git.commit": COMMIT, "mlflow.git.repo_url": THEIRS}, "github.com%2Facme%2Fpricing"),
        ({"handrail.git_commit": COMMIT, "mlflow.source.git.repoURL": THEIRS}, "shop"),
        (
            {"handrail.git_commit": COMMIT, "mlflow.source.git.commit": COMMIT, "mlflow.source.git.repoURL": THEIRS},
            "github.com%2Facme%2Fpricing",
        ),
        # The script lies elsewhere; what the commit of the project is called does not depend on that.
        (
            {"handrail.git_commit": COMMIT, "mlflow.source.git.commit": "e" * 40, "mlflow.source.git.repoURL": THEIRS},
            "shop",
        ),
        (
            {
                "mlflow.source.git.commit": COMMIT,
                "mlflow.source.git.repoURL": THEIRS,
                "handrail.repository": "pricing",
            },
            "pricing",
        ),
    ],
)
def test_a_commit_belongs_to_the_repository_that_the_run_names(tags, repository):
    found = records_of_run(replace(NAMING, addresses=("git@github.com:acme/shop.git",)), run(tags), "exp")

    assert [artifact.uri for artifact in found[0].used] == [f"git://{repository}/{COMMIT}"]


def test_mlflow_may_know_of_changed_files():
    tags = {"mlflow.source.git.commit": COMMIT, "mlflow.source.git.dirty": "True"}

    assert used(run(tags)) == {}
    assert used(run(tags | {"mlflow.source.git.dirty": "false"})) == {f"git://shop/{COMMIT}": f"git:{COMMIT}"}


def test_data_under_dvc_is_of_the_repository_that_the_run_names():
    tags = {"mlflow.source.git.commit": COMMIT, "mlflow.source.git.repoURL": THEIRS}

    entity = run(tags, inputs=[dataset({"uri": "dvc://data/x.csv", "md5": MD5})])

    assert f"dvc://github.com%2Facme%2Fpricing/data/x.csv@{MD5}" in used(entity)


def test_a_logged_model_of_no_run_came_from_the_commit_of_its_tags():
    tags = {"mlflow.source.git.commit": COMMIT, "mlflow.source.git.dirty": "false"}
    model = Thing(model_id="m-2", source_run_id=None, name="n", model_type=None, tags=tags)

    assert causes(records_of_model(NAMING, model)) == [f"git://shop/{COMMIT}"]

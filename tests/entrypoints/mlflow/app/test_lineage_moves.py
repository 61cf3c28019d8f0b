"""Names that move, versions that go, and datasets that are not what they say: what the server sends to lineage."""

import hashlib
import json

import pytest

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import server_name, tree_digest
from tests.fakes.lineage_rows import rows_of

MODELS, VERSIONS, RUNS = (f"/api/2.0/mlflow/{kind}" for kind in ("registered-models", "model-versions", "runs"))


@pytest.fixture
def ada(server):
    with server.person("ada") as http:
        yield http


def say(http, method, path, **body):
    answer = http.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pointers(server, name):
    held = rows_of(server.settings.home).pointers
    return [(row[0].split("@")[1], row[1].rsplit("/", 1)[-1], row[2]) for row in held if f" {name}@" in row[0]]


def epoch_of(http, name):
    return http.get(f"{MODELS}/get", params={"name": name}).json()["registered_model"]["creation_timestamp"]


def test_an_alias_that_is_set_moved_and_removed_leaves_three_rows(server, made, ada):
    server.make_version(name=made.name)
    person = f"actor://{server_name(server.settings)}/Ada"

    for version in ("1", "2"):
        say(ada, "POST", f"{MODELS}/alias", name=made.name, alias="candidate", version=version)
    say(ada, "DELETE", f"{MODELS}/alias", name=made.name, alias="candidate")
    say(ada, "DELETE", f"{MODELS}/alias", name=made.name, alias="never-set")

    assert pointers(server, made.name) == [("candidate", each, person) for each in ("1", "2", "")]


def test_the_gates_own_move_is_one_row_by_its_permit(server, made):
    done = made.promote()

    permit = f"approval://{server_name(server.settings)}/{done['request_id']}"
    assert pointers(server, made.name) == [("champion", "1", permit)]


def test_what_the_server_records_and_what_the_gate_records_is_one_version_without_contradiction(server, made):
    made.promote()

    platform = open_platform(server.settings)
    name = server_name(server.settings)
    try:
        trace = platform.lineage.trace(f"mlflow://{name}/registered/{made.name}/")
    finally:
        platform.close()
    uris = {node.uri for node in trace.nodes}
    digest = tree_digest(made.tree)
    assert f"mlflow://{name}/run/{made.run_id}" in uris
    assert f"tree://sha256/{digest.removeprefix('sha256:')}" in uris
    assert not trace.conflicts


def test_a_version_and_a_model_that_go_take_their_aliases_along(server, made, ada):
    server.make_version(name=made.name)
    for alias, version in (("a", "1"), ("b", "2")):
        say(ada, "POST", f"{MODELS}/alias", name=made.name, alias=alias, version=version)

    say(ada, "DELETE", f"{VERSIONS}/delete", name=made.name, version="1")
    assert [row[:2] for row in pointers(server, made.name)] == [("a", "1"), ("b", "2"), ("a", "")]

    say(ada, "DELETE", f"{MODELS}/delete", name=made.name)
    assert [row[:2] for row in pointers(server, made.name)][3:] == [("b", "")]


def test_a_model_made_again_has_other_versions(server, made, ada):
    first = epoch_of(ada, made.name)
    say(ada, "DELETE", f"{MODELS}/delete", name=made.name)
    server.make_version(name=made.name)

    prefix = f"mlflow://{server_name(server.settings)}/registered/{made.name}"
    held = {uri for uri, *_ in rows_of(server.settings.home).nodes if uri.startswith(f"{prefix}/")}
    assert held == {f"{prefix}/{first}/1", f"{prefix}/{epoch_of(ada, made.name)}/1"}


def test_a_renamed_model_is_known_by_its_new_name(server, made, ada):
    say(ada, "POST", f"{MODELS}/alias", name=made.name, alias="candidate", version="1")
    renamed = f"{made.name}-renamed"

    say(ada, "POST", f"{MODELS}/rename", name=made.name, new_name=renamed)

    assert [row[:2] for row in pointers(server, made.name)] == [("candidate", "1"), ("candidate", "")]
    assert [row[:2] for row in pointers(server, renamed)] == [("candidate", "1")]
    name = server_name(server.settings)
    uri = f"mlflow://{name}/registered/{renamed}/{epoch_of(ada, renamed)}/1"
    assert f"tree://sha256/{tree_digest(made.tree)[7:]}" in rows_of(server.settings.home).causes_of(uri)


def test_a_tag_that_a_version_gets_later_is_shown_as_later_and_by_whom(server, made, ada):
    tag = {"name": made.name, "version": "1", "key": "handrail.feature_service_spec"}
    say(ada, "POST", f"{VERSIONS}/set-tag", **tag, value="f" * 64)
    say(ada, "POST", f"{VERSIONS}/set-tag", **tag | {"key": "colour"}, value="red")
    renamed = f"{made.name}-2"
    say(ada, "POST", f"{MODELS}/rename", name=made.name, new_name=renamed)

    name = server_name(server.settings)
    for model in (made.name, renamed):
        uri = f"mlflow://{name}/registered/{model}/{epoch_of(ada, renamed)}/1"
        said = rows_of(server.settings.home).attributes_of(uri)
        assert "handrail.feature_service_spec" not in said
        assert said["later"].startswith(f"handrail.feature_service_spec = {'f' * 64}; first seen ")
        assert f", actor://{name}/" in said["later"]
        assert "colour" not in str(said)


def test_a_copied_version_came_from_the_one_it_copies(server, made, ada):
    copy = f"{made.name}-copy"
    say(ada, "POST", f"{MODELS}/create", name=copy)
    say(ada, "POST", f"{VERSIONS}/create", name=copy, source=f"models:/{made.name}/1")

    name = server_name(server.settings)
    uri = f"mlflow://{name}/registered/{copy}/{epoch_of(ada, copy)}/1"
    original = f"mlflow://{name}/registered/{made.name}/{epoch_of(ada, made.name)}/1"
    assert original in rows_of(server.settings.home).causes_of(uri)


def test_five_rows_logged_as_a_file_of_four_are_a_flaw(server, made, ada, tmp_path, monkeypatch):
    """A frame in memory is not its file: MLflow hashes the frame and lets this pass."""
    import mlflow.data
    import pandas as pd

    (tmp_path / ".dvc").mkdir()
    (tmp_path / "x.csv").write_text("x\n1\n2\n3\n4\n")
    monkeypatch.chdir(tmp_path)
    data = mlflow.data.from_pandas(pd.DataFrame({"x": [1.0, 2, 3, 4, 5]}), source="dvc://x.csv", name="train")
    fields = data.to_dict() | {"source_type": data.source._get_source_type()}

    say(ada, "POST", f"{RUNS}/log-inputs", run_id=made.run_id, datasets=[{"dataset": fields, "tags": []}])

    run = f"mlflow://{server_name(server.settings)}/run/{made.run_id}"
    md5 = hashlib.md5(b"x\n1\n2\n3\n4\n").hexdigest()
    rows = rows_of(server.settings.home)
    assert f"dvc://handrail/x.csv@{md5}" in rows.causes_of(run)
    contradiction = rows.attributes_of(run)[f"input.train@{data.digest}.contradiction"]
    assert contradiction == "the frame has 5 rows, but dvc://x.csv holds 4"


def test_tags_that_come_late_are_recorded_and_others_are_not(server, made, ada):
    commit = "c" * 40
    tags = [{"key": "handrail.git_commit", "value": commit}, {"key": "handrail.git_dirty", "value": "false"}]

    say(ada, "POST", f"{RUNS}/set-tag", run_id=made.run_id, key="colour", value="#ff0000")
    say(ada, "POST", f"{RUNS}/log-batch", run_id=made.run_id, tags=tags)

    run = f"mlflow://{server_name(server.settings)}/run/{made.run_id}"
    rows = rows_of(server.settings.home)
    assert f"git://handrail/{commit}" in rows.causes_of(run)
    assert "#ff0000" not in json.dumps(rows.attributes_of(run))


def test_a_prompt_is_no_model(server, ada):
    name = server.new_name()
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    say(ada, "POST", f"{MODELS}/create", name=name, tags=tags)
    say(ada, "POST", f"{VERSIONS}/create", name=name, source="prompt-template", tags=tags)
    say(ada, "POST", f"{MODELS}/alias", name=name, alias="latest-text", version="1")

    assert pointers(server, name) == []
    assert not [uri for uri, *_ in rows_of(server.settings.home).nodes if f"/{name}/" in uri]

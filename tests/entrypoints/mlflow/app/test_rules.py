"""Policies and roles on a real server: files propose, persons decide, and nothing else changes what rules."""

import pytest
import yaml

from handrail.approvals import Closed, NotEligible
from handrail.errors import Refused
from tests.fakes.mlflow_server import PERSONS


@pytest.fixture
def policy(server):
    """The file of the champion's policy, as it was before and after."""
    file = server.settings.config / "policies" / "champion.yaml"
    text = file.read_text()
    yield file
    file.write_text(text)
    server.take_files()


def _weaken(policy):
    said = yaml.safe_load(policy.read_text())
    policy.write_text(yaml.safe_dump(said | {"quorum": {"ml-engineer": 1}}))


def _in_force(server):
    with server.gate("ada") as gate:
        return gate.rules.in_force()


def _decide(server, change, account, decision="approve"):
    with server.gate(account) as gate:
        return gate.rules.decide(change["change_id"], decision, "agreed")


def _propose(server, account="ada"):
    with server.gate(account) as gate:
        return gate.rules.propose("faster")


def test_an_edited_policy_lets_nobody_pass_until_those_whom_it_names_agree(server, made, policy):
    request_id = made.ask()["request_id"]
    _weaken(policy)

    assert made.say(request_id, "ben")["verdict"] == "pending"
    change = _propose(server)
    assert (change["state"], change["quorum"]) == ("pending", {"business-stakeholder": 1, "ml-engineer": 1})
    assert "-  business-stakeholder: 1" in change["diffs"]["policies/champion.yaml"]
    assert _decide(server, change, "ben")["state"] == "pending"
    with pytest.raises(NotEligible, match="Ada proposed the change"):
        _decide(server, change, "ada")
    assert _decide(server, change, "cleo")["state"] == "in force"

    now = _in_force(server)["in_force"]
    assert (now["way"], now["by"], now["change_id"]) == ("decided", "ada", change["change_id"])
    with pytest.raises(Closed, match="the policy changed"):
        made.say(request_id, "cleo")
    assert made.say(made.ask()["request_id"], "ben")["verdict"] == "promoted"


def test_a_person_who_writes_himself_into_the_roles_stays_nobody(server, made):
    request_id = made.ask()["request_id"]
    file = server.settings.config / "roles.yaml"
    persons = PERSONS | {"Ben": {"accounts": ["ben"], "roles": ["ml-engineer", "business-stakeholder"]}}
    file.write_text(yaml.safe_dump({"version": 1, "persons": persons}))

    assert made.say(request_id, "ben")["verdict"] == "pending"
    assert any("roles.yaml is not in force" in sentence for sentence in _in_force(server)["files"])
    change = _propose(server)
    with pytest.raises(NotEligible, match="would give Ben the role business-stakeholder"):
        _decide(server, change, "ben")


@pytest.mark.parametrize("how", ["remove", "rename", "empty"])
def test_a_policy_whose_file_is_gone_still_protects(server, made, policy, how):
    text = policy.read_text()
    {
        "remove": policy.unlink,
        "rename": lambda: policy.rename(policy.with_name("champoin.yaml")),
        "empty": lambda: policy.write_text(""),
    }[how]()
    try:
        with server.person("ada") as http:
            body = {"name": made.name, "alias": "champion", "version": "1"}
            assert http.post("/api/2.0/mlflow/registered-models/alias", json=body).status_code == 403
        assert _in_force(server)["files"]
        assert made.promote()["verdict"] == "promoted"
    finally:
        policy.with_name("champoin.yaml").unlink(missing_ok=True)
        policy.write_text(text)


def test_files_that_say_what_is_in_force_are_no_proposal(server):
    with pytest.raises(Refused, match="in force already"):
        _propose(server)
    assert _in_force(server)["files"] == []

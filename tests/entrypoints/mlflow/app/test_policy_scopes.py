"""Policies about some models, some aliases and some prompts alone, on a real server."""

import pytest

from handrail.errors import Misconfigured, Refused, UnknownReference

API = "/api/2.0/mlflow"
IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
TEXT = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}
POLICY = "version: 2\nquorum: {ml-engineer: 1}\n"


@pytest.fixture
def write_policy(server):
    """Write a policy and bring it into force, for one test."""
    written = []

    def write(text):
        file = server.settings.config / "policies" / f"{server.new_name()}.yaml"
        file.write_text(text, encoding="utf-8")
        written.append(file)
        server.take_files()

    yield write
    for file in written:
        file.unlink()
    server.take_files()


def _point(server, name, alias, version="1", account="ada"):
    with server.person(account) as http:
        body = {"name": name, "alias": alias, "version": version}
        return http.post(f"{API}/registered-models/alias", json=body)


def _unpoint(server, name, alias):
    with server.person("ada") as http:
        return http.request("DELETE", f"{API}/registered-models/alias", json={"name": name, "alias": alias})


def _rename(server, name, new):
    with server.person("ada") as http:
        return http.post(f"{API}/registered-models/rename", json={"name": name, "new_name": new})


def _make_prompt(server):
    name = server.new_name()
    with server.person("ada") as http:
        made = http.post(f"{API}/registered-models/create", json={"name": name, "tags": [IS_PROMPT]})
        assert made.status_code == 200, made.text
        body = {"name": name, "source": "prompt-template", "tags": [IS_PROMPT, TEXT]}
        assert http.post(f"{API}/model-versions/create", json=body).status_code == 200
    return name


def test_an_alias_is_protected_for_the_models_that_a_policy_names(server, write_policy):
    ruled, free = server.make_version(), server.make_version()
    write_policy(f"{POLICY}aliases: ['shadow*']\nmodels: ['{ruled.name.upper()}']")

    refused = _point(server, ruled.name, "Shadow-2")

    assert refused.status_code == 403
    assert "open a promotion request" in refused.json()["message"]
    assert _point(server, free.name, "shadow-2").status_code == 200
    with pytest.raises(UnknownReference, match="no policy named 'shadow-2'"):
        free.ask(alias="shadow-2")

    request_id = ruled.ask(alias="shadow-2")["request_id"]
    assert ruled.say(request_id, "ben")["verdict"] == "promoted"


def test_a_policy_that_names_the_model_goes_before_the_one_for_all(server, write_policy):
    made = server.make_version()
    write_policy(f"{POLICY}aliases: [champion]\nmodels: ['{made.name}']")

    assert made.say(made.ask()["request_id"], "ben")["verdict"] == "promoted"


def test_steps_and_rights_hold_on_the_server(server, write_policy):
    made = server.make_version()
    steps = "version: 2\nsteps: [{ml-engineer: 1}, {business-stakeholder: 1}]\nreject: [business-stakeholder]\n"
    write_policy(f"{steps}aliases: [champion]\nmodels: ['{made.name}']\n")
    request_id = made.ask()["request_id"]

    with pytest.raises(Refused, match="Step 1 of 2 still needs the approval of 1 ml-engineer"):
        made.say(request_id, "cleo")
    with pytest.raises(Refused, match="Ben holds none of the roles that reject here: business-stakeholder"):
        made.say(request_id, "ben", "reject")

    assert made.say(request_id, "ben")["verdict"] == "pending"
    assert made.say(request_id, "cleo")["verdict"] == "promoted"


def test_who_may_not_ask_is_refused(server, write_policy):
    made = server.make_version()
    write_policy(f"{POLICY}aliases: [champion]\nmodels: ['{made.name}']\nrequest: [ml-engineer]\n")

    with pytest.raises(Refused, match="Ada holds none of the roles that ask for promotions here: ml-engineer"):
        made.ask()


def test_two_policies_that_are_equally_exact_do_not_come_into_force(server, write_policy):
    made = server.make_version()
    write_policy(f"{POLICY}aliases: [champion]\nmodels: ['{made.name}']")

    with pytest.raises(Misconfigured, match="equally exact"):
        write_policy(f"{POLICY}aliases: [champion]\nmodels: ['{made.name.upper()}']")

    assert _point(server, made.name, "champion").status_code == 403
    assert made.say(made.ask()["request_id"], "ben")["verdict"] == "promoted"


@pytest.mark.parametrize("alias", ["production", "Production"])
def test_a_prompt_that_a_policy_names_is_protected_and_no_other_prompt(server, write_policy, alias):
    ruled, free = _make_prompt(server), _make_prompt(server)
    assert _point(server, ruled, alias).status_code == 200
    write_policy(f"{POLICY}aliases: [production]\nprompts: ['{ruled}']")

    for answer in (_point(server, ruled, alias), _unpoint(server, ruled, alias), _rename(server, ruled, f"{ruled}-2")):
        assert answer.status_code == 403, answer.text

    assert _point(server, free, alias).status_code == 200
    assert _unpoint(server, free, alias).status_code == 200
    assert _point(server, ruled, "staging").status_code == 200


def test_a_policy_for_models_leaves_a_prompt_of_that_name_alone(server, write_policy):
    prompt = _make_prompt(server)
    write_policy(f"{POLICY}aliases: [production]\nmodels: ['{prompt}']")

    assert _point(server, prompt, "production").status_code == 200


def test_a_model_is_not_renamed_into_what_a_policy_names_or_out_of_it(server, write_policy):
    made, new = server.make_version(), server.new_name()
    assert _point(server, made.name, "nightly").status_code == 200
    write_policy(f"{POLICY}aliases: [nightly]\nmodels: ['{new}']")

    answer = _rename(server, made.name, new)

    assert answer.status_code == 403
    assert "Its alias 'nightly' has a policy under one of the two names" in answer.json()["message"]
    assert _unpoint(server, made.name, "nightly").status_code == 200
    assert _rename(server, made.name, new).status_code == 200

"""An emergency over HTTP, on a real server whose policy names who breaks the glass."""

import pytest
import yaml

from handrail.bootstrap.approvals import open_permit_verifier, permit_path
from tests.fakes.mlflow_server import ACCOUNTS, PERSONS, Server, settings_in, start, wait_until_up

EVE = {"accounts": ["eve"], "roles": ["ml-engineer"]}


@pytest.fixture(scope="module")
def urgent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("urgent")
    settings = settings_in(folder)
    policy = settings.config / "policies" / "champion.yaml"
    said = yaml.safe_load(policy.read_text()) | {"break_glass": ["data-engineer"], "break_glass_hours": 2}
    policy.write_text(yaml.safe_dump(said))
    (settings.config / "roles.yaml").write_text(yaml.safe_dump({"version": 1, "persons": PERSONS | {"Eve": EVE}}))
    with (folder / "log").open("wb") as log:
        process = start(settings, log)
    try:
        wait_until_up(settings, process, folder / "log")
        server = Server(settings)
        server.make_accounts((*ACCOUNTS, "eve"))
        yield server
        server.admin.close()
    finally:
        process.terminate()
        process.wait(60)


def test_one_person_moves_the_alias_and_two_others_confirm_it(urgent, tmp_path):
    made = urgent.make_version()
    said = {"model": made.name, "version": made.version, "alias": "champion", "reason": "it is down"}
    with urgent.gate("dora") as dora, urgent.gate("ben") as ben, urgent.gate("eve") as eve:
        broken = dora.break_glass(**said)

        assert (broken["verdict"], broken["purpose"], made.champion()) == ("promoted", "break-glass", "1")
        assert dora.break_glass(**said)["confirmation"] == broken["confirmation"]
        waiting = ben.decide(
            broken["confirmation"], "approve", "seen", seen=ben.request(broken["confirmation"])["seen"]
        )
        assert waiting["verdict"] == "pending"
        assert eve.decide(broken["confirmation"], "approve", "seen")["verdict"] == "promoted"

    permit = permit_path(urgent.settings, urgent.use(made), broken["tree_digest"])
    statement = open_permit_verifier(urgent.settings).verify(made.tree, permit, tmp_path / "copy", urgent.use(made))
    assert (statement.purpose, statement.approvers, statement.terms.counter) == ("confirmation", ("Ben", "Eve"), 2)

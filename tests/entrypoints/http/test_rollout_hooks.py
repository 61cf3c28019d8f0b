"""Controllers of other systems ask in their own words; without verdict and permit the answer is no."""

import base64
import json
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from handrail.bootstrap import open_platform
from handrail.bootstrap.approvals import tree_digest
from handrail.bootstrap.delivery import open_splits
from handrail.bootstrap.lineage_events import open_access
from handrail.clock import system_time
from handrail.compared import write_comparison
from handrail.delivery import End, NewChallenger, Role
from handrail.entrypoints.http.lineage import lineage_app
from handrail.lineage import May, TokenScope
from handrail.settings import Settings
from tests.fakes.lineage_server import a_token
from tests.fakes.permitted_tree import permit_tree, write_tree

AT = "/api/v1/rollouts/flights/v2"
FLAGGER = {
    "name": "podinfo",
    "namespace": "test",
    "phase": "Progressing",
    "checksum": "85d557f47b",
    "metadata": {"test": "all", "token": "16688eb5e9f289f1991c"},
}
"""The body that Flagger's page of webhooks documents."""


class Slot:
    """A service with the challenger v2: who permits what, what was compared, and what a controller is answered."""

    def __init__(self, folder):
        (folder / "config").mkdir()
        (folder / "config" / "handrail.yaml").write_text("repository: shop\nmodel_name: flights\n")
        self.settings = Settings(project=folder, home=folder / "home")
        self.tree = write_tree(folder / "tree")
        permit_tree(self.settings, self.tree, 2, alias="shadow")
        self.platform = open_platform(self.settings)
        self.splitter = open_splits(self.platform, "flights")

    def permit(self, alias):
        permit_tree(self.settings, self.tree, 2, alias=alias)

    def add(self, role, share=0.25):
        new = NewChallenger("v2", role, share, tree_digest(self.tree))
        self.splitter.add(new, self, "ada", "it looks good")

    @contextmanager
    def lend(self, _permitted):
        yield self.tree

    def compared(self, role, answer, at=None):
        as_of = (at or system_time()).isoformat()
        write_comparison(self.settings.home, f"flights-v2-{role}", {"answer": answer, "as_of": as_of})


@pytest.fixture
def slot(tmp_path):
    made = Slot(tmp_path)
    yield made
    made.platform.close()


@pytest.fixture
def asked(slot):
    with TestClient(lineage_app(slot.platform), raise_server_exceptions=False) as client:
        client.headers["authorization"] = f"Bearer {a_token(slot.platform)}"
        yield client


def status(asked, hook):
    return asked.post(f"{AT}/{hook}", json=FLAGGER).status_code


def test_each_step_is_confirmed_by_verdict_and_permit_together(slot, asked):
    slot.add(Role.SHADOW)
    assert status(asked, "confirm-rollout") == 403

    slot.compared("shadow", "no_difference")
    assert status(asked, "confirm-rollout") == 403, "good, and not permitted"

    slot.permit("canary")
    assert status(asked, "confirm-rollout") == 200
    assert status(asked, "confirm-traffic-increase") == 409, "it is no canary yet"

    slot.splitter.end("v2", End.PROMOTED, "ada", "on it goes")
    slot.add(Role.CANARY, 0.05)
    assert status(asked, "confirm-traffic-increase") == 409

    slot.compared("canary", "better")
    assert status(asked, "confirm-traffic-increase") == 200
    assert status(asked, "confirm-promotion") == 403

    slot.permit("champion")
    assert status(asked, "confirm-promotion") == 200
    assert status(asked, "rollback") == 403


def test_a_verdict_from_before_the_present_share_counts_for_nothing(slot, asked):
    slot.permit("canary")
    before = system_time()
    slot.add(Role.CANARY, 0.05)
    slot.compared("canary", "better", before)

    answer = asked.post(f"{AT}/confirm-traffic-increase", json=FLAGGER)

    assert answer.status_code == 409
    assert "nothing was compared with its present share yet" in answer.json()["detail"]


@pytest.mark.parametrize("how", [End.ROLLED_BACK, End.ERRORED])
def test_what_was_taken_back_or_failed_is_taken_back_everywhere(slot, asked, how):
    for alias in ("canary", "champion"):
        slot.permit(alias)
    slot.compared("shadow", "better")
    slot.add(Role.CANARY, 0.05)
    slot.splitter.end("v2", how, "the service", "it raised ValueError")

    answers = {hook: status(asked, hook) for hook in ("confirm-rollout", "confirm-promotion", "rollback")}

    assert answers == {"confirm-rollout": 403, "confirm-promotion": 403, "rollback": 200}
    assert "it raised ValueError" in asked.post(f"{AT}/rollback", json=FLAGGER).json()["sentence"]


def test_a_worse_verdict_rolls_back_before_anybody_ended_it(slot, asked):
    slot.permit("canary")
    slot.add(Role.CANARY, 0.05)
    slot.compared("canary", "worse")

    assert (status(asked, "rollback"), status(asked, "confirm-traffic-increase")) == (200, 403)


def test_argo_reads_a_value_and_its_measurement_never_errors(slot, asked):
    slot.permit("canary")
    slot.add(Role.CANARY, 0.05)

    wait = asked.get(f"{AT}/confirm-traffic-increase/value")
    slot.compared("canary", "no_difference")
    go = asked.get(f"{AT}/confirm-traffic-increase/value").json()
    slot.compared("canary", "worse")
    back = asked.get(f"{AT}/confirm-traffic-increase/value").json()

    assert wait.status_code == 200
    assert [each["value"] for each in (wait.json(), go, back)] == [0, 1, -1]
    assert [each["confirmed"] for each in (wait.json(), go, back)] == [False, True, False]


def test_flagger_sends_its_token_as_the_password_of_the_address(slot, asked):
    slot.permit("canary")
    slot.add(Role.SHADOW)
    slot.compared("shadow", "better")
    login = base64.b64encode(f"flagger:{a_token(slot.platform, 'flagger')}".encode()).decode()

    answer = asked.post(f"{AT}/confirm-rollout", json=FLAGGER, headers={"authorization": f"Basic {login}"})

    assert answer.status_code == 200
    assert answer.json()["confirmed"] is True


@pytest.mark.parametrize("header", ["", "Basic", "Basic %%%", "Basic Zm9vOmJhcg==", "Bearer wrong", "Digest x"])
def test_nobody_unknown_learns_anything(slot, asked, header):
    slot.add(Role.SHADOW)

    answer = asked.post(f"{AT}/rollback", json=FLAGGER, headers={"authorization": header})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_that_may_only_send_is_refused(slot, asked):
    token = open_access(slot.platform.store).create("producer", scope=TokenScope(frozenset({May.SEND})))

    answer = asked.post(f"{AT}/rollback", json=FLAGGER, headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 403
    assert "ask" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/api/v1/rollouts/flights/v9/rollback", b"{}", 404),
        ("/api/v1/rollouts/shop/v2/rollback", b"{}", 404),
        (f"{AT}/confirm-everything", b"{}", 422),
        (f"{AT}/rollback", b"{", 400),
        (f"{AT}/rollback", b"[" * 90_000, 400),
        (f"{AT}/rollback", b" " * 100_001, 413),
        (f"{AT}/confirm-rollout", b"", 403),
    ],
)
def test_what_nobody_knows_and_bad_bodies_are_problems(slot, asked, path, body, code):
    slot.add(Role.SHADOW)

    answer = asked.post(path, content=body)

    assert answer.status_code == code
    assert json.loads(answer.content)["detail"].endswith(".")

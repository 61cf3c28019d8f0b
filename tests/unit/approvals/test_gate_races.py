"""Random lives of a gate against an oracle that keeps its own books."""

from contextlib import suppress
from itertools import permutations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from handrail.approvals.domain.events import Choice
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.errors import HandrailError
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_world import World, opening

ACCOUNTS = ("ada", "ada-2", "ben", "ben-2", "cleo", "dan", "root", "BEN")
OWNER = {"ada": "Ada", "ada-2": "Ada", "ben": "Ben", "ben-2": "Ben", "cleo": "Cleo", "dan": "Dan"}
ROLES = st.frozensets(st.sampled_from(["ml-engineer", "business-stakeholder", "data-engineer"]))
EVERYTHING = EVIDENCE | {"comparison": {"ci_low": 0.0}}


class GateLife(RuleBasedStateMachine):
    """Requests, decisions, changes of bytes, policies and roles, and kills, in any order."""

    @initialize(roles=st.lists(ROLES, min_size=4, max_size=4))
    def start(self, roles):
        self.world = World()
        self.roles = dict(zip(("Ada", "Ben", "Cleo", "Dan"), roles, strict=True))
        self._write_roles()
        self.version = 1
        self.request_id = None
        self.approved, self.spoilt = {}, False
        self.allowed = set()

    def _write_roles(self):
        self.world.rules.persons = tuple(
            Person(name, frozenset(account for account, owner in OWNER.items() if owner == name), roles)
            for name, roles in self.roles.items()
        )

    @rule()
    def ask(self):
        view = self.world.gate.open_request(opening(self.version, evidence=EVERYTHING), "ada")
        if view.history.request.request_id != self.request_id:
            self.approved, self.spoilt = {}, False
            self.request_id = view.history.request.request_id

    @rule()
    def register_another(self):
        self.version += 1
        self.world.register(self.version)
        self.request_id = None

    @precondition(lambda self: self.request_id)
    @rule(account=st.sampled_from(ACCOUNTS), choice=st.sampled_from(list(Choice)))
    def decide(self, account, choice):
        before = self.world.ledger.load(self.request_id)
        with suppress(HandrailError):
            self.world.gate.decide(self.request_id, account, choice, "said")
        after = self.world.ledger.load(self.request_id)
        if len(after.decisions) > len(before.decisions) or after.decisions != before.decisions:
            self.approved[OWNER[account]] = choice
        if after.done and not before.done:
            assert self._oracle_allows()
            self.allowed.add(self.version)

    def _oracle_allows(self):
        if self.spoilt or Choice.REJECT in self.approved.values():
            return False
        quorum = self.world.rules.policy("flights", "champion").quorum
        places = [role for role, count in quorum.items() for _ in range(count)]
        voters = [name for name in self.approved if name != "Ada"]
        return any(
            all(role in self.roles[name] for role, name in zip(places, seated, strict=True))
            for seated in permutations(voters, len(places))
        )

    @precondition(lambda self: self.request_id)
    @rule()
    def change_bytes(self):
        if not self.world.ledger.load(self.request_id).done:
            self.spoilt = True
        self.world.trees.content[f"/artifacts/1/{self.version}/model"]["MLmodel"] += b"!"

    @rule(engineers=st.integers(1, 2))
    def change_policy(self, engineers):
        quorum = {"ml-engineer": engineers, "business-stakeholder": 1}
        if quorum != self.world.rules.policy("flights", "champion").quorum:
            self.spoilt = True
            # A request that nobody looks at in between is judged by the policy that stands when it is looked at.
            self.request_id = None
        self.world.change_rules(quorum=quorum)

    @rule(name=st.sampled_from(["Ada", "Ben", "Cleo", "Dan"]), roles=ROLES)
    def change_roles(self, name, roles):
        self.roles[name] = roles
        self._write_roles()

    @rule()
    def restart(self):
        self.world.restart()
        self.world.gate.finish_moves()

    @invariant()
    def the_alias_points_only_at_what_was_allowed(self):
        if not hasattr(self, "world"):
            return
        champion = self.world.registry.incumbent("flights", "champion")
        assert champion is None or champion in self.allowed
        assert len(self.world.ledger.permits) == sum(
            view.judgement.verdict is Verdict.PROMOTED for view in self.world.gate.records.requests()
        )


GateLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestGateLife = GateLife.TestCase

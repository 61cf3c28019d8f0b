"""Random policies, persons, evidence and decisions: a second, naive judge of plain values agrees with the gate's.

`HANDRAIL_TEST_EFFORT` multiplies the number of policies.
"""

import math
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from handrail.approvals.domain.events import Choice, Decided, Evaluated, History, Voided
from handrail.approvals.domain.evidence import Level
from handrail.approvals.domain.judging import judge, why_not_now
from handrail.approvals.domain.people import Directory, Person, Service
from handrail.approvals.domain.policy import Policy, Rule, why_not_eligible
from handrail.approvals.domain.rights import Rights
from handrail.approvals.domain.scope import Scope
from handrail.approvals.domain.subject import BoundFile, PromotionRequest, Subject
from handrail.approvals.domain.terms import PermitRules
from handrail.manifest import Manifest
from tests.fakes.effort import TIMES

POLICIES = 300 * TIMES
START = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = ("ml-engineer", "data-scientist", "business-stakeholder", "devops-engineer")
LEVELS = ("claimed", "bound", "attested", "recomputed", "prospective")
VALUES = (0, 1, 2, 0.5, math.nan, True, "1", None, "sha256:tree")


def _case(rng):
    """Draw one case of plain values; mostly sound, so that deep states are reached too."""

    def rarely(chance=0.12):
        return rng.random() < chance

    def roles(least=0):
        return set(rng.sample(ROLES, rng.randint(least, 3)))

    persons = {f"P{n}": roles(1) for n in range(rng.randint(2, 6))}
    accounts = {name: [name.lower(), f"{name.lower()}-2"] for name in persons}
    makers = [account for name in persons for account in accounts[name]]
    owner = rng.choice(list(persons)) if rarely(0.3) else None
    known = [*makers, *(["bot"] if owner else [])]
    return {
        "persons": persons,
        "accounts": accounts,
        "owner": owner,
        "requester": "ghost" if rarely() else rng.choice(known),
        "authors": []
        if rarely()
        else ["ghost" if rarely(0.06) else rng.choice(known) for _ in range(rng.randint(1, 2))],
        "unrecorded": rarely(0.05),
        "steps": [
            {} if rarely(0.05) else {role: rng.randint(1, 2) for role in rng.sample(ROLES, rng.randint(1, 2))}
            for _ in range(rng.randint(1, 3))
        ],
        "request": roles(1) if rarely() else set(),
        "reject": roles(1) if rarely(0.3) else set(),
        "rules": [_draw_rule(rng) for _ in range(rng.randint(0, 2))],
        "sent": {"e": _draw_values(rng), "evaluation": _draw_values(rng)} if rarely(0.7) else {},
        "files": {"f": _draw_values(rng)} if rarely(0.4) else {},
        "snapshot": rarely(0.5),
        "measured": None if rarely() else _draw_values(rng),
        "failed": rarely(),
        "incumbent": rng.choice([None, (7, "sha256:tree"), (7, None)]),
        "formats": {"pickle"} if rarely() else set(),
        "allowed": {"pickle"} if rarely(0.5) else set(),
        "adopts": rarely(),
        "other_policy": rarely(0.05),
        "voided": rarely(0.05),
        # Some are put into the history without asking whether they may be there, as by a forger.
        "answers": [
            (rng.choice([*known, "ghost"]), "reject" if rarely(0.08) else "approve", rarely(0.1)) for _ in range(9)
        ],
    }


def _draw_values(rng):
    return {key: rng.choice(VALUES) if rng.random() < 0.3 else rng.choice((0, 1, 2)) for key in ("x", "tree")}


def _draw_rule(rng):
    is_incumbent = rng.random() < 0.2
    bounds = rng.sample(("at_least", "at_most", "equals"), rng.randint(1, 2))
    return {
        "measure": rng.choice(("e", "f", "evaluation", "g")) + (".tree" if is_incumbent else ".x"),
        "bounds": {} if is_incumbent else {name: rng.choice((0, 1, 2)) for name in bounds},
        "is_incumbent": is_incumbent,
        "if_replacing": rng.random() < 0.5,
        "level": rng.choice(LEVELS[:4]),
    }


def _policy(case):
    first, *later = case["steps"]
    rules = [
        Rule(
            rule["measure"],
            **rule["bounds"],
            is_incumbent=rule["is_incumbent"],
            if_replacing=rule["if_replacing"],
            level=Level(rule["level"]),
        )
        for rule in case["rules"]
    ]
    rights = Rights(request=frozenset(case["request"]), reject=frozenset(case["reject"]))
    permits = PermitRules(formats=frozenset(case["allowed"]))
    return Policy("champion", first, tuple(rules), permits, later=tuple(later), rights=rights)


def _directory(case):
    persons = (
        Person(name, frozenset(case["accounts"][name]), frozenset(case["persons"][name])) for name in case["persons"]
    )
    services = (Service("robot", frozenset({"bot"}), case["owner"]),) if case["owner"] else ()
    return Directory(tuple(persons), services)


def _history(case, policy):
    version, tree = case["incumbent"] or (None, None)
    digest = "sha256:other" if case["other_policy"] else policy.digest
    snapshot = "sha256:rows" if case["snapshot"] else None
    subject = Subject(
        "s", "m", 1, 2, 3, "champion", "sha256:files", digest, {}, version, None, case["adopts"], snapshot
    )
    request = PromotionRequest(
        "pr-1",
        0,
        subject,
        Manifest(()),
        {**case["sent"], **case["files"]},
        None,
        tuple(case["authors"]),
        case["requester"],
        "why",
        START,
        incumbent_tree=tree,
        unrecorded=("its run",) if case["unrecorded"] else (),
        formats={name: "MLmodel" for name in case["formats"]},
        bound={name: BoundFile("r", "f.json", "0", ()) for name in case["files"]},
    )
    history = History(request)
    if case["snapshot"] and case["measured"] is not None:
        problem = "It could not be measured." if case["failed"] else None
        history = history.then(Evaluated(START, "sha256:rows", problem, {"evaluation": case["measured"]}))
    return history.then(Voided(START, ("Something changed.",))) if case["voided"] else history


class Naive:
    """The whole judging once more, by the words of the documentation and of plain values alone."""

    def __init__(self, case):
        self.case = case
        self.person_of = {account: name for name, accounts in case["accounts"].items() for account in accounts}
        self.deciding = {role for step in case["steps"] for role in step}
        self.rejecting = case["reject"] or self.deciding
        self.log = []

    def behind(self, account):
        return self.case["owner"] if account == "bot" else self.person_of.get(account)

    def may_decide_somehow(self, account):
        person = self.person_of.get(account)
        made = {self.behind(maker) for maker in [*self.case["authors"], self.case["requester"]]}
        if person is None or person in made:
            return False
        return bool(self.case["persons"][person] & (self.deciding | self.rejecting))

    def last_words(self):
        last = {}
        for account, person, word in self.log:
            last.pop(person, None)
            last[person] = (account, word)
        return last

    def filled(self, step, persons):
        """The most places of a step that these persons can fill, each one: try everything."""
        places = [role for role, count in step.items() for _ in range(count)]
        if not places or not persons:
            return 0
        best = self.filled(step, persons[1:])
        for role in self.case["persons"][persons[0]] & set(places):
            rest = Counter(places)
            rest[role] -= 1
            best = max(best, 1 + self.filled(+rest, persons[1:]))
        return best

    def walk(self, approvers):
        """Return the open step, how many of its places are filled, and who counts in any step."""
        steps, at, here, counted = self.case["steps"], 0, [], []
        for person in approvers:
            if self.case["persons"][person] & set(steps[at]):
                here, counted = [*here, person], [*counted, person]
                if steps[at] and self.filled(steps[at], here) == sum(steps[at].values()) and at < len(steps) - 1:
                    at, here = at + 1, []
        return at, self.filled(steps[at], here), counted

    def approvers(self):
        said = self.last_words().items()
        return [
            person
            for person, (account, word) in said
            if word == "approve" and self.person_of.get(account) == person and self.may_decide_somehow(account)
        ]

    def is_complete(self, at, filled):
        steps = self.case["steps"]
        return at == len(steps) - 1 and bool(steps[at]) and filled == sum(steps[at].values())

    def may_say(self, account, word):
        roles = self.case["persons"][self.person_of[account]]
        if word == "reject":
            return bool(roles & self.rejecting)
        if not roles & self.deciding:
            return False
        if len(self.case["steps"]) == 1:
            return True
        at, filled, _ = self.walk(self.approvers())
        then, more, _ = self.walk([*self.approvers(), self.person_of[account]])
        return self.is_complete(at, filled) or then > at or more > filled

    def rule_holds(self, rule):
        case = self.case
        if rule["if_replacing"] and case["incumbent"] is None:
            return True
        name, key = rule["measure"].split(".")
        known = []
        if case["snapshot"] and case["measured"] is not None and not case["failed"] and name == "evaluation":
            known.append(("recomputed", case["measured"][key]))
        if name in case["files"]:
            known.append(("bound", case["files"][name][key]))
        if name in case["sent"] and name not in case["files"]:
            known.append(("claimed", case["sent"][name][key]))
        if not known or LEVELS.index(known[0][0]) < LEVELS.index(rule["level"]):
            return False
        value = known[0][1]
        if rule["is_incumbent"]:
            return case["incumbent"] is not None and case["incumbent"][1] is not None and value == case["incumbent"][1]
        if type(value) not in (int, float) or value != value:
            return False
        return all(
            {"at_least": value >= bound, "at_most": value <= bound, "equals": value == bound}[kind]
            for kind, bound in rule["bounds"].items()
        )

    def is_refused(self):
        case = self.case
        asker = self.behind(case["requester"])
        if asker is None or (case["request"] and not case["persons"][asker] & case["request"]) or case["other_policy"]:
            return True
        if case["adopts"]:
            return False
        made_by_known = case["authors"] and all(self.behind(maker) for maker in case["authors"])
        unmeasured = case["snapshot"] and case["failed"]
        return not made_by_known or case["unrecorded"] or unmeasured or not all(map(self.rule_holds, case["rules"]))

    def verdict(self):
        case = self.case
        if case["voided"]:
            return "void", set()
        if any(word == "reject" for _, word in self.last_words().values()):
            return "rejected", set()
        if case["formats"] - case["allowed"]:
            return "refused", set()
        if not case["adopts"] and case["snapshot"] and case["measured"] is None:
            return "evaluating", set()
        if self.is_refused():
            return "refused", set()
        at, filled, counted = self.walk(self.approvers())
        return ("approved" if self.is_complete(at, filled) else "pending"), set(counted)


def test_the_gates_judge_agrees_with_a_naive_one():
    met = Counter()
    for seed in range(POLICIES):
        case = _case(random.Random(seed))
        policy, directory = _policy(case), _directory(case)
        history, naive = _history(case, policy), Naive(case)
        for number, (account, word, forced) in enumerate(case["answers"], 1):
            request = history.request
            person = directory.person_behind(account)
            refusal = why_not_eligible(account, directory, policy, request.authors, request.requester)
            assert (refusal is None) == naive.may_decide_somehow(account), (seed, account)
            repeats = person and naive.last_words().get(person.name, ("", ""))[1] == word  # nothing is asked then
            if refusal is None and not repeats:
                refusal = why_not_now(person, Choice(word), history, policy, directory)
                assert (refusal is None) == naive.may_say(account, word), (seed, account, word)
            if refusal is None or forced:
                name = person.name if person else "Nobody"
                history = history.then(Decided(START + timedelta(hours=number), account, name, Choice(word), "so"))
                naive.log.append((account, name, word))
            judgement = judge(history, policy, directory)
            found = str(judgement.verdict), {decision.person for decision in judgement.approvers}
            assert found == naive.verdict(), seed
            met[found[0]] += 1
    # Each state was reached, or the draw says nothing about it.
    assert set(met) == {"void", "rejected", "refused", "evaluating", "pending", "approved"}
    assert min(met.values()) >= POLICIES / 60, met


def test_the_policy_that_rules_agrees_with_a_naive_choice():
    names = ("a", "ab", "abc", "b", "bc")
    patterns = (*names, "*", "a*", "*b*", "?b", "a?c", "*c", "ab*", "*a")
    for seed in range(POLICIES):
        rng = random.Random(seed)
        scopes = [
            Scope(*(tuple(rng.sample(patterns, rng.randint(1, 2))) for _ in range(3))) for _ in range(rng.randint(1, 4))
        ]
        model, alias, prompt = rng.choice(names), rng.choice(names), rng.random() < 0.3
        found = {n: scope.exactness(model, alias, prompt=prompt) for n, scope in enumerate(scopes)}

        ranked = {n: _naive_rank(scope, model, alias, prompt) for n, scope in enumerate(scopes)}

        assert {n for n, exactness in found.items() if exactness} == {n for n, rank in ranked.items() if rank}, seed
        first = [n for n, rank in ranked.items() if rank and rank == max(filter(None, ranked.values()))]
        best = max(filter(None, found.values()), default=None)
        assert [n for n, exactness in found.items() if exactness and exactness == best] == first, seed


def _naive_rank(scope, model, alias, prompt):
    """Return how exactly a scope says two names, as two numbers; a name itself goes before all patterns."""
    ranks = []
    for patterns, name in ((scope.prompts if prompt else scope.models, model), (scope.aliases, alias)):
        fitting = [each for each in patterns if _fits(each, name)]
        if not fitting:
            return None
        ranks.append(max(100 if each == name else len(each.replace("*", "").replace("?", "")) for each in fitting))
    return tuple(ranks)


def _fits(pattern, name):
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(_fits(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and _fits(pattern[1:], name[1:])

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
from handrail.approvals.domain.subject import BoundFile, PromotionRequest, Subject
from handrail.approvals.domain.terms import PermitRules
from handrail.approvals.domain.tracing import Traced
from handrail.manifest import Manifest
from tests.fakes.approvals_oracle import LEVELS, Naive
from tests.fakes.effort import count_of

POLICIES = count_of(300, "POLICIES")
START = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = ("ml-engineer", "data-scientist", "business-stakeholder", "devops-engineer")
VALUES = (0, 1, 2, 0.5, math.nan, True, "1", None, "sha256:tree", "sha256:files")


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
        "gaps": rng.choice([None, 0, 0, 1]),
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
    kind = rng.choices(("bound", "incumbent", "candidate", "lineage"), (6, 2, 2, 2))[0]
    if kind == "lineage":
        rule = {"measure": "lineage.gaps", "bounds": {"equals": 0}, "if_replacing": False, "level": "recomputed"}
        return rule | {"is_incumbent": False, "is_candidate": False}
    is_tree = kind != "bound"
    bounds = rng.sample(("at_least", "at_most", "equals"), rng.randint(1, 2))
    return {
        "measure": rng.choice(("e", "f", "evaluation", "g")) + (".tree" if is_tree else ".x"),
        "bounds": {} if is_tree else {name: rng.choice((0, 1, 2)) for name in bounds},
        "is_incumbent": kind == "incumbent",
        "is_candidate": kind == "candidate",
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
            is_candidate=rule["is_candidate"],
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
        traced=None if case["gaps"] is None else Traced(("git://s/c",), 1, "sha256:ends", case["gaps"]),
    )
    history = History(request)
    if case["snapshot"] and case["measured"] is not None:
        problem = "It could not be measured." if case["failed"] else None
        history = history.then(Evaluated(START, "sha256:rows", problem, {"evaluation": case["measured"]}))
    return history.then(Voided(START, ("Something changed.",))) if case["voided"] else history


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

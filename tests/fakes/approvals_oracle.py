"""A second judge of promotion requests, over plain values, that shares no code with the gate's."""

from __future__ import annotations

from collections import Counter

LEVELS = ("claimed", "bound", "attested", "recomputed", "prospective")


class Naive:
    """The whole judging once more, by the words of the documentation and of plain values alone."""

    def __init__(self, case):
        self.case = case
        self.person_of = {account: name for name, accounts in case["accounts"].items() for account in accounts}
        self.deciding = {role for step in case["steps"] for role in step}
        self.rejecting = case["reject"] or self.deciding
        self.log: list[tuple[str, str, str]] = []

    def behind(self, account):
        return self.case["owner"] if account == "bot" else self.person_of.get(account)

    def may_decide_somehow(self, account):
        person = self.person_of.get(account)
        made = {self.behind(maker) for maker in [*self.case["authors"], self.case["requester"]]}
        if person is None or person in made:
            return False
        return bool(self.case["persons"][person] & (self.deciding | self.rejecting))

    def last_words(self):
        last: dict[str, tuple[str, str]] = {}
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

    def walk(self, approvers: list[str]) -> tuple[int, int, list[str]]:
        """Return the open step, how many of its places are filled, and who counts in any step."""
        steps, at = self.case["steps"], 0
        here: list[str] = []
        counted: list[str] = []
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
        if rule["measure"] == "lineage.gaps":
            return self.case["gaps"] == 0
        return self.number_holds(rule)

    def number_holds(self, rule):
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
        if rule["is_candidate"] or rule["is_incumbent"]:
            pointed = case["incumbent"] and case["incumbent"][1]
            return value == ("sha256:files" if rule["is_candidate"] else pointed or object())
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

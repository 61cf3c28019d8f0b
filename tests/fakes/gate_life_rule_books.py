"""The part of an oracle's books about rules: which policy is about what, who is who, and what changes them."""

from __future__ import annotations

from copy import deepcopy
from fnmatch import fnmatchcase

from tests.fakes.approvals_oracle import Naive

SCOPE = ("alias", "aliases", "models")


class RuleBooks:
    """Keeps the rules in force, and what was proposed and said about changes of them."""

    def __init__(self, rules):
        self.rules = deepcopy(rules)
        self.changes = {}

    def ruling(self, model, alias):
        """The most exact policy about an alias of a model, None if nobody wrote one."""
        found = []
        for policy in self.rules["policies"].values():
            aliases = policy.get("aliases") or [policy["alias"]]
            for of_model in policy.get("models", ["*"]):
                for of_alias in aliases:
                    if fnmatchcase(model, of_model) and fnmatchcase(alias, of_alias):
                        exact = [("*" not in text, len(text.replace("*", ""))) for text in (of_model, of_alias)]
                        found.append((exact, policy))
        return max(found, key=lambda one: one[0])[1] if found else None

    def demands(self, model, alias):
        policy = self.ruling(model, alias)
        return policy and {key: value for key, value in policy.items() if key not in SCOPE}

    def person(self, account):
        named = self.rules["roles"]["persons"].items()
        return next((name for name, said in named if account in said["accounts"]), None)

    def behind(self, account):
        """Who answers for what an account does."""
        owner = self.rules["roles"]["services"]["robot"]["owner"]
        return owner if account == "bot" else self.person(account)

    def roles(self, person):
        return set(self.rules["roles"]["persons"][person]["roles"])

    @staticmethod
    def deciders(policy):
        return {role for step in policy["steps"] for role in step}

    def may_rule(self, change_id):
        """Whether a proposal has everything to come into force."""
        change = self.changes[change_id]
        words = {person: (account, word) for account, person, word in change["log"]}
        if change["base"] != self.rules or any(word == "reject" for _, word in words.values()):
            return False
        quorum = self._change_quorum(change["rules"])
        made = {self.behind(change["proposer"])}
        approvers = [
            person
            for person, (account, word) in words.items()
            if word == "approve" and self.person(account) == person and person not in made
            if not self._gains(person, change["rules"])
        ]
        everybody = self.rules["roles"]["persons"]
        judge = Naive({"accounts": {}, "steps": [], "reject": set(), "persons": {n: self.roles(n) for n in everybody}})
        return bool(quorum) and judge.filled(quorum, approvers) == sum(quorum.values())

    def _change_quorum(self, then):
        now, every = self.rules["policies"], []
        names = [name for name in {*now, *then["policies"]} if now.get(name) != then["policies"].get(name)]
        asked = [now[name] for name in names if name in now]
        if len(asked) < len(names) or self.rules["roles"] != then["roles"]:
            asked = list(now.values())
        for policy in asked:
            whole = {role: sum(step.get(role, 0) for step in policy["steps"]) for role in self.deciders(policy)}
            every.append(policy.get("change") or whole)
        return {role: max(quorum.get(role, 0) for quorum in every) for quorum in every for role in quorum}

    def _gains(self, person, then):
        """Whether a person would have more by other roles, or answer for less."""
        now, persons = self.rules["roles"]["persons"][person], then["roles"]["persons"]
        after = {n: s for n, s in persons.items() if n == person or set(s["accounts"]) & set(now["accounts"])}
        more = any(set(s[key]) - set(now[key]) for s in after.values() for key in ("roles", "accounts"))
        owner = then["roles"]["services"]["robot"]["owner"]
        return more or (self.behind("bot") == person and owner not in {person, *after})

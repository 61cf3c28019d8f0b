"""The books of an oracle: what a gate may do by the words of its pages, in plain values, without any of its code."""

from __future__ import annotations

from copy import deepcopy

from tests.fakes.approvals_oracle import Naive
from tests.fakes.gate_life_rule_books import RuleBooks

USUAL = ("MLmodel",)
DAY = 86_400.0


class Books(RuleBooks):
    """Keeps what was asked, said, written and moved; times are seconds."""

    def __init__(self, rules):
        super().__init__(rules)
        self.versions, self.first_uploaders = {}, {}
        self.points, self.asked, self.permits = {}, {}, {}
        self.findings = {}

    # What is there

    def makers(self, model, version, alias):
        """The accounts that have a part in a version, as it is asked for for this alias."""
        made, at = self.versions[model, version], self.points.get((model, alias))
        served = () if at in (None, version) else self.versions[model, at]["files"].values()
        first = {
            self.first_uploaders[content]
            for path, content in made["files"].items()
            if path not in USUAL and content not in served
        }
        return made["wrote"] | first

    def bound_incumbent(self, model, version, alias):
        points = self.points.get((model, alias))
        return None if points == version else points

    def note_request(self, request_id, target, **said):
        model, version, alias = target
        made = self.versions[model, version]
        self.asked[request_id] = {
            "model": model,
            "version": version,
            "alias": alias,
            "created": made["created"],
            "files": dict(made["files"]),
            "demands": deepcopy(self.demands(model, alias)),
            "incumbent": self.bound_incumbent(model, version, alias),
            "log": [],
            "questions": [],
            "dead": False,
            "moved": False,
            **said,
        }

    # Who may move what

    def why_not(self, request_id, now):
        """Why a request may not move its alias at this moment; None if it may."""
        asked = self.asked[request_id]
        policy = self.demands(asked["model"], asked["alias"])
        if reason := self._why_void(asked, policy, now) or self._why_held_back(asked, policy):
            return reason
        judge = getattr(self, "_why_no_" + (asked["purpose"] or "promotion").replace("-", "_"))
        return judge(asked, policy, now)

    def _why_void(self, asked, policy, now):
        model, version, alias = asked["model"], asked["version"], asked["alias"]
        made = self.versions.get((model, version))
        if made is None or made["created"] != asked["created"]:
            return "its version is gone"
        found = {
            "it is void": asked["dead"],
            "its files are others": made["files"] != asked["files"],
            "its policy is another one": policy is None or policy != asked["demands"],
            "the alias points elsewhere since": self.bound_incumbent(model, version, alias) != asked["incumbent"],
            "it has expired": self.waited(asked, now) > (policy or {}).get("request_days", 30) * DAY,
        }
        return next((reason for reason, holds in found.items() if holds), None)

    def _why_held_back(self, asked, policy):
        urgent = asked["purpose"] in ("break-glass", "revert")
        runs_code = any(path.endswith(".pkl") for path in asked["files"])
        found = {
            "somebody rejected it": any(word == "reject" for _, _, word in asked["log"]),
            "it runs code": runs_code and "pickle" not in policy.get("formats", []),
            "a question is open": not urgent and any(each["until"] is None for each in asked["questions"]),
            "a finding is open": not urgent and any(self.shuts(each, asked) for each in self.findings.values()),
        }
        return next((reason for reason, holds in found.items() if holds), None)

    @staticmethod
    def waited(asked, now):
        """The seconds in which no question was open."""
        whole, done = max(0.0, now - asked["opened"]), asked["opened"]
        for question in asked["questions"]:
            begin, end = max(question["at"], done), now if question["until"] is None else question["until"]
            if min(end, now) > begin:
                whole, done = whole - (min(end, now) - begin), min(end, now)
        return whole

    @staticmethod
    def shuts(finding, asked):
        if not finding["open"] or finding["model"] != asked["model"]:
            return False
        if finding["alias"] not in (None, asked["alias"]):
            return False
        named = finding["version"] == asked["version"]
        return named or (finding["version"] is None and asked["purpose"] != "rollback")

    def naive(self, asked, policy):
        """The second judge, with everybody who is a maker by now."""
        persons = self.rules["roles"]["persons"]
        made = self.makers(asked["model"], asked["version"], asked["alias"])
        judge = Naive(
            {
                "persons": {name: set(said["roles"]) for name, said in persons.items()},
                "accounts": {name: said["accounts"] for name, said in persons.items()},
                "owner": self.behind("bot"),
                "requester": asked["requester"],
                "authors": sorted(made),
                "unrecorded": False,
                "steps": policy["steps"],
                "request": set(policy.get("request", [])),
                "reject": set(policy.get("reject", [])),
                "rules": [
                    {
                        "measure": "evaluation.roc_auc",
                        "bounds": {"at_least": policy["rules"][0]["at_least"]},
                        "is_incumbent": False,
                        "is_candidate": False,
                        "if_replacing": False,
                        "level": "claimed",
                    }
                ],
                "sent": {"evaluation": {"roc_auc": asked["quality"]}},
                "files": {},
                "snapshot": False,
                "measured": None,
                "failed": False,
                "incumbent": None,
                "formats": set(),
                "allowed": set(),
                "adopts": False,
                "other_policy": False,
                "voided": False,
            }
        )
        judge.log = list(asked["log"])
        return judge

    def _why_no_promotion(self, asked, policy, _):
        verdict, _ = self.naive(asked, policy).verdict()
        return None if verdict == "approved" else f"the naive judge says {verdict}"

    def _approvers(self, asked, policy, roles):
        """Who has approved last, holds one of the roles, and has no part in it."""
        judge = self.naive(asked, policy)
        made = {self.behind(account) for account in [*judge.case["authors"], asked["requester"]]}
        return {
            person
            for person, (account, word) in judge.last_words().items()
            if word == "approve" and self.person(account) == person and person not in made
            if self.roles(person) & set(roles)
        }

    def _why_no_rollback(self, asked, policy, _):
        roles = policy.get("roll_back") or self.deciders(policy)
        if refusal := self._why_no_way_back(asked):
            return refusal
        if self.behind(asked["requester"]) is None:
            return "nobody asked for it"
        return None if self._approvers(asked, policy, roles) else "nobody approved it"

    def _why_no_way_back(self, asked):
        before = [permit for permit in self._permits_of(asked) if permit["purpose"] != "break-glass"]
        if not before:
            return "it was never promoted there"
        if before[-1]["revoked"]:
            return "its permit was taken back"
        return None if before[-1]["files"] == asked["files"] else "its files are others than were approved"

    def _permits_of(self, asked):
        same = ("model", "alias", "version", "created")
        return [permit for permit in self.permits.values() if all(permit[key] == asked[key] for key in same)]

    def _why_no_break_glass(self, asked, policy, _):
        person = self.person(asked["requester"])
        made = self.makers(asked["model"], asked["version"], asked["alias"])
        if person is None or not self.roles(person) & set(policy.get("break_glass", [])):
            return "who broke the glass has not the role"
        if not all(self.behind(account) for account in made):
            return "a maker is unknown"
        if person in {self.behind(account) for account in made} and not policy.get("break_glass_by_makers"):
            return "who broke the glass made it"
        return None

    def _why_no_confirmation(self, asked, policy, _):
        if self.points.get((asked["model"], asked["alias"])) != asked["version"]:
            return "the alias points elsewhere"
        approvers = self._approvers(asked, policy, self.deciders(policy))
        return None if len(approvers) >= 2 else "two persons have to confirm it"

    def _why_no_revert(self, asked, _, now):
        emergency = self.permits.get(asked["about"])
        mine = [
            one for one in self.permits.values() if (one["model"], one["alias"]) == (asked["model"], asked["alias"])
        ]
        if emergency is None or emergency is not mine[-1] or emergency["purpose"] != "break-glass":
            return "no emergency waits for its end"
        if now < emergency["until"]:
            return "the emergency has not ended"
        if asked["version"] != emergency["incumbent"]:
            return "it is not where the alias was before"
        return self._why_no_way_back(asked)

    def note_permit(self, request_id, issued):
        """The alias moved and a permit was given: it holds as long as the policy says, from the intent on."""
        asked = self.asked[request_id]
        policy = asked["demands"]
        seconds = policy.get("permit_days", 365) * DAY
        if asked["purpose"] == "break-glass":
            seconds = min(seconds, policy.get("break_glass_hours", 24) * 3600.0)
        self.permits[request_id] = {**asked, "issued": issued, "until": issued + seconds, "revoked": False}

    def may_load(self, request_id, files, use, now):
        """Whether a permit lets these bytes be loaded for model, alias and environment; None near a boundary."""
        permit = self.permits[request_id]
        if (permit["model"], permit["alias"], "local") != use or permit["files"] != files or permit["revoked"]:
            return False
        if min(abs(now - permit["until"]), abs(now + 300 - permit["issued"])) < 60:
            return None
        return permit["issued"] - 300 <= now < permit["until"]

"""Holds a living gate against the books of an oracle, whatever is done to it and wherever its process ends."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from pathlib import Path

from handrail.approvals.domain.errors import Closed
from handrail.approvals.domain.events import Answered, Choice, Decided
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.subject import Purpose
from handrail.approvals.service.standing import StandingWatch
from handrail.errors import HandrailError
from tests.fakes.gate_life_books import Books
from tests.fakes.gate_life_rules import shipped
from tests.fakes.gate_life_world import Killed, LivingWorld, Stores, texts_of


class Life:
    """A gate and the books beside it. `act` is the only way to do something to it."""

    def __init__(self, stores: Stores, met: Counter[str]) -> None:
        """Begin with the shipped rules; `met` counts what was reached."""
        self.met = met
        self.place = tempfile.TemporaryDirectory()
        self.files = shipped()
        self.world = LivingWorld(stores, Path(self.place.name), self.files)
        self.books = Books(self.files)
        self.envelopes: dict[str, str] = {}
        self.attempt: dict[str, object] = {}

    @property
    def now(self):
        return self.world.clock.now.timestamp()

    @contextmanager
    def act(self, **attempt: object) -> Iterator[None]:
        """Enclose an attempt of an account; what is refused changes nothing, and after an end it begins again."""
        self.attempt = attempt
        try:
            yield
        except Killed:
            self.met["killed"] += 1
            self.compare()
            self.start()
        except HandrailError as err:
            self.met[f"refused: {type(err).__name__}"] += 1
            if isinstance(err, Closed) and err.verdict == "void" and err.request_id in self.books.asked:
                self.books.asked[err.request_id]["dead"] = True
        self.compare()
        self.attempt = {}

    def start(self) -> None:
        """Start processes until one is not ended; then log, ledger and aliases agree."""
        tasks = (
            lambda: self.world.restart(),
            lambda: self.world.gate.finish_moves(),
            lambda: self.world.gate.revoker.publish(),
            lambda: self.world.look_after(),
        )
        while not all(self._survives(task) for task in tasks):
            self.met["killed at the start"] += 1
        self.agree()

    def _survives(self, task) -> bool:
        try:
            task()
        except Killed:
            return False
        finally:
            self.compare()
        return True

    def agree(self) -> None:
        """Check that log, ledger and aliases say the same, and that no move is open."""
        world = self.world
        assert [each for each in world.ledger.unfinished() if each.open_move or not each.is_published] == []
        for row in world.ledger.promoted():
            assert world.registry.aliases.get((row.model, row.alias)) == row.version, row
        assert list(StandingWatch(world.holding).look()) == []
        assert list(world.problems()) == []

    def compare(self) -> None:
        """Let no alias, permit, revocation or rule be other than the books allow, and note what happened."""
        self._compare_rules()
        histories = {history.request.request_id: history for history in self.world.ledger.find()}
        self._note_requests(histories.values(), confirming=False)
        for request_id, asked in self.books.asked.items():
            self._note_words(asked, histories[request_id].events)
        self._compare_aliases()
        # What confirms an emergency was opened after the alias had moved, all else before.
        self._note_requests(histories.values(), confirming=True)
        for request_id, history in histories.items():
            if history.done and request_id not in self.books.permits:
                self._compare_permit(request_id, history.done)
            if history.revoked and not self.books.permits[request_id]["revoked"]:
                self._compare_revocation(request_id)

    def _compare_aliases(self) -> None:
        for (model, alias), version in self.world.registry.aliases.items():
            if self.books.points.get((model, alias)) != version:
                self._compare_move(model, alias, version)
        assert set(self.books.points) == set(self.world.registry.aliases), "an alias is gone"

    def _note_requests(self, histories, *, confirming: bool) -> None:
        for request in (history.request for history in histories):
            is_confirming = request.subject.purpose is Purpose.CONFIRMATION
            if request.request_id not in self.books.asked and is_confirming == confirming:
                self._note_request(request)

    def _compare_move(self, model, alias, version) -> None:
        tried = {
            request_id: self.books.why_not(request_id, self.now)
            for request_id, asked in self.books.asked.items()
            if (asked["model"], asked["alias"], asked["version"]) == (model, alias, version)
        }
        allowed = [request_id for request_id, reason in tried.items() if reason is None]
        assert allowed, (model, alias, version, tried)
        for request_id in allowed:
            self.books.asked[request_id]["moved"] = True
        self.books.points[model, alias] = version

    def _compare_permit(self, request_id, done) -> None:
        asked = self.books.asked[request_id]
        reason = None if asked["moved"] else self.books.why_not(request_id, self.now)
        assert reason is None, (reason, asked)
        permit = Permit.from_payload(Envelope.from_json(done.envelope).payload)
        self.books.note_permit(request_id, datetime.fromisoformat(permit.issued).timestamp())
        self.envelopes[request_id] = done.envelope
        self.met[asked["purpose"] or "promotion"] += 1

    def _compare_revocation(self, request_id) -> None:
        permit = self.books.permits[request_id]
        if self.attempt.get("revokes") == request_id:
            policy = self.books.demands(permit["model"], permit["alias"])
            roles = policy.get("revoke") or self.books.deciders(policy)
            assert self.books.roles(self.books.person(self.attempt["account"])) & set(roles)
            self.met["revoked"] += 1
        else:
            assert permit["purpose"] == "break-glass", permit
            assert self.now >= permit["until"], permit
        permit["revoked"] = True

    def _compare_rules(self) -> None:
        in_force = dict(self.world.records.in_force().rules.texts)
        if in_force == texts_of(self.books.rules):
            return
        if change_id := self.attempt.get("decides"):
            change = self.books.changes[change_id]
            change["log"].append((self.attempt["account"], self.attempt["person"], "approve"))
            assert self.books.may_rule(change_id), change
            self.books.rules = deepcopy(change["rules"])
        else:
            assert self.attempt.get("takes"), "The rules changed by themselves."
            self.books.rules = deepcopy(self.files)
        self.met["rules changed"] += 1
        assert in_force == texts_of(self.books.rules)

    def _note_request(self, request) -> None:
        subject, by_itself = request.subject, {}
        purpose = str(subject.purpose) if subject.purpose else None
        if purpose == "revert":
            by_itself = {"account": "the gate", "quality": 0.0}
        if purpose == "confirmation":
            by_itself = {"account": self.books.asked[subject.about]["requester"], "quality": 0.0}
        attempt = self.attempt | by_itself
        assert request.requester == attempt.get("account"), request
        self.books.note_request(
            request.request_id,
            (subject.model, subject.version, subject.alias),
            purpose=purpose,
            about=subject.about,
            requester=request.requester,
            quality=attempt["quality"],
            opened=request.opened_at.timestamp(),
        )

    def _note_words(self, asked, events) -> None:
        """Note each word that was stored since, which somebody has to have tried to say just now."""
        said = [event for event in events if isinstance(event, Decided)]
        for event in said[len(asked["log"]) :]:
            tried = self.attempt.get("account"), self.attempt.get("word")
            assert (event.account, str(event.choice)) == tried, (event, self.attempt)
            assert event.person == self.books.person(event.account), event
            self.met[str(event.choice)] += 1
            at = event.at.timestamp()
            for question in asked["questions"]:
                if event.choice is not Choice.ASK and question["person"] == event.person and question["until"] is None:
                    question["until"] = at
            if event.choice is Choice.ASK:
                asked["questions"].append({"person": event.person, "at": at, "until": None})
            asked["log"].append((event.account, event.person, str(event.choice)))
        for event in events:
            if isinstance(event, Answered) and asked["questions"][event.question - 1]["until"] is None:
                asked["questions"][event.question - 1]["until"] = event.at.timestamp()
                self.met["answered"] += 1

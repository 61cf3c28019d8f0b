"""Leads one registered version from shadow over canary to champion, a step a call, by what is recorded.

Each call looks at gate, split and deployment and does the next thing, so that a schedule may call it as often as it
likes, and one that was killed anywhere goes on. Permits come from people at the gate; shares follow from comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.steps.release.desk import Desk
from flows.steps.release.promote import EVIDENCE, TREE, Registered, is_open, read_evidence
from flows.steps.release.rollout_judging import Seen
from flows.steps.release.rollout_rules import RolloutRules
from handrail.bootstrap.approvals import tree_digest
from handrail.delivery import Change, End, NewChallenger, PermittedVersion, Role, Splitter, Trees

MOST_CHANGES = 1_000
LONGEST_REASON = 500
VOID = "void"
Judge = Callable[[str], Seen]
"""Judges the challenger of that name by what is known now."""
Ask = Callable[[str, Mapping[str, Mapping[str, Any]]], dict[str, Any]]
"""Opens a promotion request of the version for an alias, with evidence; returns it as the gate sees it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registered version and the clone that holds its tree and its evidence."""

    registered: Registered
    project: Path

    @property
    def name(self) -> str:
        """What it is called beside the champion."""
        return f"v{self.registered.version}"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a rollout is, and why.

    `at` is shadow, canary or champion, and where it ended; `did` says that something was done, so that more may follow
    at once; `waits_for` is the request that people have to decide; `ended` is empty while it goes on.
    """

    at: str
    sentence: str
    did: bool = False
    waits_for: str = ""
    ended: str = ""
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version stands in the recorded changes of a split: its role now, else how and why its last one ended."""

    role: Role | None
    share: float | None = None
    end: End | None = None
    reason: str = ""

    @property
    def left_shadow(self) -> bool:
        """Whether it was let go on from the shadow, and has not begun as a canary."""
        return self.end is End.PROMOTED and self.role is Role.SHADOW


@dataclass(frozen=True, slots=True)
class Rolling:
    """What a rollout acts with. `deploy` makes a permitted tree the champion that is served; it may be repeated."""

    desk: Desk
    splitter: Splitter
    candidate: Candidate
    rules: RolloutRules
    judge: Judge
    ask: Ask
    deploy: Callable[[str], object]
    served: Callable[[], str | None]

    def advance(self) -> Progress:
        """Do the next thing, or say what it waits for or how it ended. Safe to repeat.

        Raises:
            HandrailError: something is away, or does not fit; what was done stands.
        """
        digest, name = self.candidate.registered.tree_digest, self.candidate.name
        place = standing_of(self.splitter.splits.changes(self.splitter.slot, MOST_CHANGES), name)
        if self.desk.digest_behind(self.splitter.use.alias) == digest:
            return self._promoted(place)
        if place.role is None:
            return self._begin(Role.SHADOW, {})
        if place.left_shadow:
            return self._begin(Role.CANARY, {})
        if place.end is not None:
            return Progress(place.role.value, place.reason, ended=place.end.value)
        return self._in_shadow(place) if place.role is Role.SHADOW else self._as_canary(place)

    def _begin(self, role: Role, evidence: Mapping[str, Mapping[str, Any]]) -> Progress:
        """Give the version a role, once the gate permits it."""
        request = self._asked(role.value, evidence)
        if waits := _waiting(role.value, request):
            return waits
        share = self.rules.shadow.share if role is Role.SHADOW else self.rules.canary.steps[0]
        mine = self.candidate
        new = NewChallenger(mine.name, role, share, mine.registered.tree_digest)
        reason = f"The gate permits {mine.registered.model} version {mine.registered.version} as {role.value}."
        self.splitter.add(new, TreeOf(mine.project / TREE, self.desk), self._by, reason)
        sentence = f"{mine.name} answers {share:.0%} of the subjects as {role.value}."
        return Progress(role.value, sentence, did=True, share=share)

    def _in_shadow(self, place: Place) -> Progress:
        seen = self.judge(self.candidate.name)
        moved = self._step(self.rules.shadow_steps(), seen, place)
        if not moved.did and not moved.ended and moved.at == "through":
            request = self._asked(Role.CANARY.value, {"shadow": seen.as_evidence()})
            if _waiting(Role.CANARY.value, request) is None:
                self._end(End.PROMOTED, f"Good in shadow, and permitted as a canary. {seen.judged.sentence}")
                return Progress(Role.SHADOW.value, seen.judged.sentence, did=True)
            return self._held(Role.SHADOW, request)
        return moved

    def _as_canary(self, place: Place) -> Progress:
        seen = self.judge(self.candidate.name)
        moved = self._step(self.rules.canary_steps(), seen, place)
        if moved.at != "through":
            return moved
        request = self._asked(self.splitter.use.alias, {})
        if _waiting(self.splitter.use.alias, request) is None:
            return Progress(Role.CANARY.value, "The gate moved the champion to it.", did=True, share=place.share)
        return self._held(Role.CANARY, request)

    def _step(self, steps: Any, seen: Seen, place: Place) -> Progress:
        """Do what follows from a judgement; `at` is `through` if only the gate is left."""
        change = self.splitter.current()
        assert change is not None
        found = self.splitter.step(change, self.candidate.name, steps, seen.judged, self._by)
        at = "through" if found.is_through else str(place.role)
        ended = found.end.value if found.end else ""
        share = found.share if found.share is not None else place.share
        return Progress(at, found.reason, did=found.share is not None, ended=ended, share=share)

    def _held(self, role: Role, request: Mapping[str, Any]) -> Progress:
        """Wait for a request that is open; what the gate refused, or people rejected, goes no further."""
        waits = _waiting(request["alias"], request)
        assert waits is not None
        if waits.ended:
            self._end(End.ROLLED_BACK, waits.sentence)
            return Progress(role.value, waits.sentence, ended=waits.ended)
        return Progress(role.value, waits.sentence, waits_for=waits.waits_for)

    def _promoted(self, place: Place) -> Progress:
        """Serve the version as the champion, and let its time beside it end."""
        mine = self.candidate.registered
        if self.served() != mine.tree_digest:
            self.desk.fetch_permit(self._asked(self.splitter.use.alias, {}))
            self.deploy(mine.tree_digest)
        if place.role is not None and place.end is None:
            self._end(End.PROMOTED, "The gate moved the champion to it, and it is deployed.")
        return Progress("champion", f"{mine.model} version {mine.version} is the champion.", ended=End.PROMOTED.value)

    def _asked(self, alias: str, evidence: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return the newest request of this tree for an alias, opened if there is none that still stands."""
        found = self.desk.requests_for(alias, self.candidate.registered.tree_digest)
        request = found[-1] if found and found[-1]["verdict"] != VOID else self.ask(alias, evidence)
        if request["verdict"] == "promoted":
            self.desk.fetch_permit(request)
        return request

    def _end(self, how: End, reason: str) -> None:
        self.splitter.end(self.candidate.name, how, self._by, reason[:LONGEST_REASON])

    @property
    def _by(self) -> str:
        return f"rollout as {self.desk.login.username}"


def standing_of(changes: Sequence[Change], name: str) -> Place:
    """Return where a challenger of that name stands; `changes` are those of its slot, the newest first."""
    end, reason = None, ""
    for change in changes:
        here = next((each for each in change.split.challengers if each.name == name), None)
        if here is not None:
            return Place(here.role, here.share, end, reason)
        if end is None and change.ended == name:
            end, reason = change.end, change.reason
    return Place(None)


def _waiting(alias: str, request: Mapping[str, Any]) -> Progress | None:
    """Return why a request keeps a rollout from going on, None if it was promoted."""
    if request["verdict"] == "promoted":
        return None
    why = " ".join(request.get("reasons") or ())
    if is_open(request):
        return Progress(
            alias, f"It waits for the gate's permit as {alias}. {why}".strip(), waits_for=request["request_id"]
        )
    return Progress(alias, f"The request as {alias} is {request['verdict']}. {why}".strip(), ended=request["verdict"])


class TreeOf(Trees):
    """Lends the tree of a clone while it is the permitted one, else what the registry holds."""

    def __init__(self, tree: Path, desk: Desk) -> None:
        """Look in `tree` first, then ask the desk."""
        self._tree, self._desk = tree, desk

    @contextmanager
    def lend(self, permitted: PermittedVersion) -> Iterator[Path]:
        """Lend the folder; whoever uses it verifies it."""
        if self._tree.is_dir() and tree_digest(self._tree) == permitted.tree_digest:
            yield self._tree
            return
        with self._desk.lend(permitted) as tree:
            yield tree


def open_rollout(desk: Desk, project: Path) -> Rolling:
    """Open the rollout of the version that a clone holds; it is registered if it is not yet.

    Raises:
        Unavailable: there is no packaged tree, or the server does not answer.
        Misconfigured: config/rollout.yaml is wrong.
    """
    from flows.steps.release.deploy import deploy, slot_of
    from flows.steps.release.rollout_judging import judge_challenger
    from flows.steps.release.rollout_rules import read_rollout
    from handrail.bootstrap.delivery import open_deployments, open_splits

    platform = desk.platform
    rules, slot = read_rollout(platform.settings.project / "config"), slot_of(platform.settings)
    splitter = open_splits(platform, slot.bento)
    candidate = Candidate(_registered(desk, project, splitter.use.alias), project)

    def served() -> str | None:
        target = open_deployments(platform).target(slot.pointer)
        return {each.uri: each.tree_digest for each in platform.feedback.deployments()}.get(target or "")

    return Rolling(
        desk=desk,
        splitter=splitter,
        candidate=candidate,
        rules=rules,
        judge=lambda name: judge_challenger(platform, splitter, name, rules),
        ask=lambda alias, evidence: ask_for(desk, candidate, alias, evidence, champion=splitter.use.alias),
        deploy=lambda digest: deploy(desk, digest),
        served=served,
    )


def ask_for(
    desk: Desk, candidate: Candidate, alias: str, evidence: Mapping[str, Mapping[str, Any]], champion: str
) -> dict[str, Any]:
    """Open a request: as the champion with the comparison and the rows that the gate measures on, else without."""
    from flows.steps.release.incumbent import ask_with_comparison

    mine = candidate.registered
    reason = f"The rollout of version {mine.version} has come to {alias}."
    if alias == champion:
        return ask_with_comparison(desk, candidate.project, mine, alias, reason)
    found = {name: content for name, content in read_evidence(candidate.project).items() if name in EVIDENCE}
    return desk.ask(mine, alias, reason, found | dict(evidence))


def _registered(desk: Desk, project: Path, alias: str) -> Registered:
    """Return the version that holds the clone's tree; where a request names it, nothing has to be registered."""
    digest = tree_digest(project / TREE)
    for known in (alias, Role.SHADOW.value):
        if asked := desk.requests_for(known, digest):
            newest = asked[-1]
            return Registered(newest["model"], int(newest["version"]), newest["run_id"], digest)
    return desk.register(project)

"""Says what changed between the version that a request asks for and the one that its alias pointed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from handrail.approvals.difference_ports import Makings, PromptReadings, TrainingRuns, TreeDescriptions
from handrail.approvals.domain.comparing import compare
from handrail.approvals.domain.differences import Changes
from handrail.approvals.domain.permit import Envelope, Permit
from handrail.approvals.domain.sides import RunFacts, Side
from handrail.approvals.domain.subject import PromotionRequest
from handrail.approvals.ports import Ledger, Registry, RequestIndex
from handrail.errors import HandrailError, UnknownReference
from handrail.manifest import Manifest

LATE = "was not read in time; it is there when the same is asked again."
LABELS = {"files": "copy", "run": "run", "lineage": "lineage"}


@dataclass(frozen=True, slots=True)
class DifferencePorts:
    """What is asked about the two versions."""

    ledger: Ledger
    index: RequestIndex
    registry: Registry
    trees: TreeDescriptions
    runs: TrainingRuns
    makings: Makings
    prompt: PromptReadings


@dataclass(frozen=True, slots=True)
class _Asked:
    """A version by what the request binds of it."""

    version: int
    tree: str | None
    files: Manifest | None
    run: Callable[[], RunFacts]
    names: Mapping[str, str]


class Differences:
    """What changed since the version before, from what can be read in a moment."""

    def __init__(self, ports: DifferencePorts) -> None:
        """Compare by these ports."""
        self._ports = ports

    def of(self, request_id: str) -> Changes:
        """Return what a request would change. Nothing is recorded; what was not read within a moment is named.

        Raises:
            UnknownReference: there is no such request.
            LogMismatch: what is stored is not what was logged.
        """
        request = self._ports.ledger.load(request_id).request
        after, before = self._candidate(request), self._incumbent(request)
        works = self._works(after) | (self._works(before) if before else {})
        done, unread = self._ports.prompt.within(works), list[str]()
        sides = [_side(asked, done, unread) if asked else None for asked in (before, after)]
        assert sides[1] is not None
        late = tuple(sentence for sentence in unread if sentence.endswith(LATE))
        return replace(compare(request_id, sides[0], sides[1], unread), unread=late)

    def _candidate(self, request: PromotionRequest) -> _Asked:
        subject, run_id = request.subject, request.run_id

        def run() -> RunFacts:
            if run_id is None:
                raise UnknownReference("run", f"of version {subject.version}", "Register versions with their run.")
            return self._ports.runs.run(run_id)

        version, tree = subject.version, subject.tree_digest
        return _Asked(version, tree, request.manifest, run, _names(request, version, tree))

    def _incumbent(self, request: PromotionRequest) -> _Asked | None:
        subject, tree = request.subject, request.incumbent_tree
        version = subject.incumbent
        if version is None:
            return None

        def run() -> RunFacts:
            found = self._ports.registry.candidate(subject.model, str(version))
            if found.epoch != subject.epoch or found.run_id is None:
                raise UnknownReference("run", f"of version {version}", "Register versions with their run.")
            return self._ports.runs.run(found.run_id)

        return _Asked(version, tree, self._permitted(request), run, _names(request, version, tree))

    def _permitted(self, request: PromotionRequest) -> Manifest | None:
        """Return the files of the version before as its permit lists them, should the gate keep no copy of them."""
        subject, tree = request.subject, request.incumbent_tree
        envelope = self._ports.index.permit(subject.server, subject.model, subject.alias, tree) if tree else None
        return Permit.from_payload(Envelope.from_json(envelope).payload).manifest if envelope else None

    def _works(self, asked: _Asked) -> dict[str, Callable[[], Any]]:
        tree = asked.tree
        works: dict[str, Callable[[], Any]] = {"run": asked.run}
        if tree is not None:
            works |= {
                "files": lambda: self._ports.trees.described(tree),
                "lineage": lambda: self._ports.makings.made(tree),
            }
        return {asked.names[what]: work for what, work in works.items() if what in asked.names}


def _names(request: PromotionRequest, version: int, tree: str | None) -> Mapping[str, str]:
    """Return the name of each work, which has to differ where its outcome can; no run and no stage makes a prompt."""
    subject = request.subject
    if subject.prompt:
        return {"files": f"tree {tree}"}
    one = f"{subject.model}/{subject.epoch}/{version}"
    run = f"{one} in {request.request_id}" if version == subject.version else one
    return {"run": f"run of {run}", "files": f"tree {tree}", "lineage": f"making of {tree}"}


def _side(asked: _Asked, done: Mapping[str, Future[Any]], unread: list[str]) -> Side:
    """Gather what was read of a version; what failed or is not there yet becomes a sentence."""
    outcomes, lacking = dict[str, Any](), set[str]()
    for what in asked.names if asked.tree else {"run"}.intersection(asked.names):
        label, future = f"The {LABELS[what]} of version {asked.version}", done.get(asked.names[what])
        try:
            if future is not None:
                outcomes[what] = future.result()
                continue
            unread.append(f"{label} {LATE}")
        except HandrailError as err:
            unread.append(f"{label} could not be read: {err}")
        lacking.add(what)
    frozen = outcomes.get("files")
    if asked.tree is None:
        unread.append(f"Which files version {asked.version} had is not known.")
    return Side(
        asked.version,
        asked.tree,
        frozen.manifest if frozen else asked.files,
        frozen,
        outcomes.get("run"),
        outcomes.get("lineage"),
        frozenset(lacking),
    )

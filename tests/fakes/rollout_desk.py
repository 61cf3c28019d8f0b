"""A gate and its people in memory, as far as a rollout asks them, and permits for whatever was promoted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.steps.release.desk import Desk
from handrail.delivery import PermittedVersion
from handrail.errors import Refused, UnknownReference
from handrail.refs import Use
from tests.fakes.delivery import USE, PermitsInFolder, digest_of


class PermitsByAlias(PermitsInFolder):
    """A permit for each tree and alias that the gate promoted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.promoted: set[tuple[str, str]] = set()

    def find(self, tree_digest: str, use: Use) -> Path:
        if (tree_digest, use.alias) not in self.promoted:
            raise UnknownReference("permit", f"of {tree_digest} for {use}", "Open a promotion request first.")
        return self.folder / f"{tree_digest[7:]}.json"

    def verify(self, tree: Path, permit: Path, into: Path, expect: Use) -> PermittedVersion:
        self.use = expect
        return super().verify(tree, permit, into, expect)


@dataclass
class _Login:
    username: str = "ada"


@dataclass
class RolloutDesk(Desk):
    """Requests in a list; `decide` is what people and rules do about the newest one of an alias."""

    permits: PermitsByAlias
    tree: Path
    asked: list[dict[str, Any]] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    login: Any = field(default_factory=_Login)
    fetched: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return digest_of(self.tree)

    def open(self, alias: str, evidence: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Open a request, as the flow's own `ask` does."""
        self.evidence[alias] = dict(evidence)
        self.asked.append(
            {
                "request_id": f"pr-{len(self.asked) + 1}",
                "alias": alias,
                "verdict": "pending",
                "reasons": ["ml-engineer: 0 of 1."],
                "tree_digest": self.digest,
            }
        )
        return self.asked[-1]

    def decide(self, alias: str, verdict: str = "promoted", reason: str = "") -> None:
        """Decide about the newest request of an alias."""
        request = [each for each in self.asked if each["alias"] == alias][-1]
        request |= {"verdict": verdict, "reasons": [reason] if reason else []}
        if verdict == "promoted":
            self.permits.allow(self.tree)
            self.permits.promoted.add((self.digest, alias))

    def requests_for(self, alias: str, digest: str) -> list[dict[str, Any]]:
        return [each for each in self.asked if (each["alias"], each["tree_digest"]) == (alias, digest)]

    def digest_behind(self, alias: str) -> str | None:
        return self.digest if alias == USE.alias and (self.digest, alias) in self.permits.promoted else None

    def fetch_permit(self, request: Mapping[str, Any]) -> Path:
        if request["verdict"] != "promoted":
            raise Refused("Promoting", tuple(request["reasons"]))
        self.fetched.append(request["alias"])
        return self.permits.folder

    @contextmanager
    def lend(self, permitted: PermittedVersion) -> Iterator[Path]:
        yield self.tree

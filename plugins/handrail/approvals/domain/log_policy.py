"""Which witnesses have to cosign a log: the file format of https://c2sp.org/tlog-policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from handrail.approvals.domain.notes import COSIGNATURE, ED25519, VerifierKey

NONE = "none"


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who cosigns; the name is the policy's own."""

    name: str
    key: VerifierKey
    url: str | None


@dataclass(slots=True)
class LogPolicy:
    """Logs, witnesses, and the quorum that makes a checkpoint valid."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str | None = None

    @classmethod
    def parse(cls, text: str) -> LogPolicy:
        """Read a policy.

        Raises:
            ValueError: a line cannot be read, with its number.
        """
        policy = cls()
        readers = {"log": policy._log, "witness": policy._witness, "group": policy._group, "quorum": policy._quorum}
        for number, line in enumerate(text.split("\n"), 1):
            word, *rest = line.replace("\t", " ").split(" ") if line.strip(" \t") else ("#",)
            words = [each for each in (word, *rest) if each] or ["#"]
            if words[0].startswith("#"):
                continue
            try:
                readers[words[0]](words[1:])
            except KeyError as err:
                raise ValueError(f"line {number}: {words[0]!r:.40} is not log, witness, group or quorum") from err
            except ValueError as err:
                raise ValueError(f"line {number}: {err}") from err
        if policy.quorum is None:
            raise ValueError("it has no line 'quorum'; write 'quorum none' if no witness is needed")
        return policy

    def is_met(self, cosigned: Iterable[str]) -> bool:
        """Return whether these witnesses, by their names here, are enough."""
        return self.quorum == NONE or self._has(str(self.quorum), frozenset(cosigned))

    def _has(self, name: str, cosigned: frozenset[str]) -> bool:
        if name not in self.groups:
            return name in cosigned
        least, members = self.groups[name]
        return sum(self._has(member, cosigned) for member in members) >= least

    def _log(self, words: Sequence[str]) -> None:
        _expect(1 <= len(words) <= 2, "log <vkey> [<url>]")
        key = VerifierKey.parse(words[0])
        _expect(key.kind == ED25519 and key.public not in [each.public for each in self.logs], "a new key of a log")
        self.logs.append(key)

    def _witness(self, words: Sequence[str]) -> None:
        _expect(2 <= len(words) <= 3, "witness <name> <vkey> [<url>]")
        key, url = VerifierKey.parse(words[1]), words[2] if len(words) == 3 else None
        known = [each.key.public for each in self.witnesses]
        _expect(key.kind == COSIGNATURE and key.public not in known, "a new key of a witness")
        self._refuse_known(words[0])
        self.witnesses.append(Witness(words[0], key, url))

    def _group(self, words: Sequence[str]) -> None:
        _expect(len(words) >= 3, "group <name> all|any|<k> <member>...")
        name, least, *members = words
        taken = {member for _, each in self.groups.values() for member in each}
        for member in members:
            _expect(self._is_known(member), f"members that are defined above, not {member!r}")
            _expect(member not in taken and members.count(member) == 1, f"each member once, not {member!r} again")
        count = {"all": len(members), "any": 1}.get(least) or (int(least) if least.isdecimal() else 0)
        _expect(1 <= count <= len(members), f"all, any or 1 to {len(members)}, not {least!r}")
        self._refuse_known(name)
        self.groups[name] = count, tuple(members)

    def _quorum(self, words: Sequence[str]) -> None:
        _expect(len(words) == 1 and self.quorum is None, "one line quorum <name>")
        _expect(words[0] == NONE or self._is_known(words[0]), f"a name that is defined above, not {words[0]!r}")
        self.quorum = words[0]

    def _is_known(self, name: str) -> bool:
        return name in self.groups or name in [each.name for each in self.witnesses]

    def _refuse_known(self, name: str) -> None:
        _expect(name != NONE and not self._is_known(name), f"a new name, not {name!r}")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"expected is {what}")

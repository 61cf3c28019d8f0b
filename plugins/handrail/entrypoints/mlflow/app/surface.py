"""Which routes of an MLflow server are open: pure rules over route tables, without MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from handrail.errors import Misconfigured

SETTING = "mlflow_routes"
CLOSED: Mapping[str, str] = {
    "assistant": r"/ajax-api/3\.0/mlflow/assistant/.*",
    "jobs": (
        r"/(ajax-)?api/3\.0/(mlflow/)?(prompt-optimization/)?jobs(/.*)?"
        r"|/ajax-api/3\.0/mlflow/(genai/evaluate|scorer|issues)/invoke"
    ),
    "demo": r"/ajax-api/3\.0/mlflow/demo/.*",
    "gateway": r"/gateway/.*|/ajax-api/2\.0/mlflow/gateway-proxy",
}
"""Groups of routes that are off unless named: each runs something in the server's process or by its hand."""

_PARAMETER = re.compile(r"<(?:(?P<converter>[a-z]+)(?:\([^)]*\))?:)?\w+>|\{\w+(?::(?P<convertor>[a-z]+))?\}")
_READING = ("GET", "HEAD", "OPTIONS")
_SHOWN = 10


@dataclass(frozen=True, slots=True, order=True)
class RouteLine:
    """A route as a table lists it, its parameters without names: `{}` for one segment, `{path}` for several."""

    method: str
    path: str

    @classmethod
    def of(cls, method: str, path: str) -> RouteLine:
        """Return the route of a rule of Flask (`<path:name>`) or of Starlette (`{name:path}`)."""
        return cls(method, _PARAMETER.sub(_named, path))

    @property
    def is_reading(self) -> bool:
        """Whether the method says that nothing changes."""
        return self.method in _READING

    def below(self, prefix: str) -> RouteLine:
        """Return the route without the server's static prefix, and as clients call it rather than pages."""
        path = self.path.removeprefix(prefix) if self.path.startswith(f"{prefix}/") else self.path
        return RouteLine(self.method, re.sub("^/ajax-api/", "/api/", path))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Answer(Enum):
    """What the door says to a request."""

    OPEN = "open"
    OFF = "off"
    OTHER_METHOD = "other method"
    UNKNOWN = "unknown"


class Surface:
    """The routes that a server has, and which of them are open. A path is judged as its routers read it."""

    def __init__(self, routes: Iterable[RouteLine], known: Iterable[RouteLine], opened: Iterable[str], prefix: str):
        """Open what is installed, known and not in a closed group.

        Args:
            routes: all that the server has.
            known: routes that change something and that the gate's guards were made for.
            opened: groups of `CLOSED`, or routes as `POST /path`, that an operator opens.
            prefix: the server's static prefix, empty for none.

        Raises:
            Misconfigured: a route changes something and nobody knows it; or `opened` names what is not there.
        """
        self.prefix = prefix
        installed, known, opened = sorted(set(routes)), set(known), tuple(opened)
        groups = {name: re.compile(pattern) for name, pattern in CLOSED.items() if name not in opened}
        named = {line for line in installed if str(line) in opened}
        _check_names(opened, named)
        closed = {line: name for line in installed if (name := self._group(groups, line)) and line not in named}
        unknown = [
            line
            for line in installed
            if not (line.is_reading or line in closed or line in named or line.below(prefix) in known)
            and not any(re.fullmatch(CLOSED[name], self._bare(line)) for name in opened if name in CLOSED)
        ]
        if unknown:
            raise _unknown(unknown)
        self._open, self._off = _Table(line for line in installed if line not in closed), _Table(closed)
        self._groups = {line.path: name for line, name in closed.items()}

    def answer(self, method: str, path: str) -> tuple[Answer, str]:
        """Return the answer to a request, and the group that is off or the methods that are open.

        Args:
            method: as the client sent it.
            path: decoded once, as the server's routers read it.
        """
        off = self._off.methods(path)
        if off and (method in off or not self._open.methods(path)):
            return Answer.OFF, next(self._groups[found] for found in self._off.paths(path))
        methods = self._open.methods(path)
        if not methods:
            return Answer.UNKNOWN, ""
        if method in methods or method == "OPTIONS" or (method == "HEAD" and "GET" in methods):
            return Answer.OPEN, ""
        return Answer.OTHER_METHOD, ", ".join(sorted(methods))

    def _bare(self, line: RouteLine) -> str:
        return line.path.removeprefix(self.prefix) if line.path.startswith(f"{self.prefix}/") else line.path

    def _group(self, groups: Mapping[str, re.Pattern[str]], line: RouteLine) -> str | None:
        return next((name for name, pattern in groups.items() if pattern.fullmatch(self._bare(line))), None)


class _Table:
    """Routes by path: those without parameters are found at once, the others by one pattern each."""

    def __init__(self, lines: Iterable[RouteLine]) -> None:
        self._plain: dict[str, set[str]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], set[str]]] = {}
        for line in lines:
            if "{" in line.path:
                self._patterns.setdefault(line.path, (_pattern(line.path), set()))[1].add(line.method)
            else:
                self._plain.setdefault(line.path, set()).add(line.method)
        self._any = re.compile("|".join(pattern.pattern for pattern, _ in self._patterns.values()) or "(?!)", re.DOTALL)

    def paths(self, path: str) -> list[str]:
        """Return the routes that the path is one of."""
        found = [path] if path in self._plain else []
        if self._any.fullmatch(path):
            found += [known for known, (pattern, _) in self._patterns.items() if pattern.fullmatch(path)]
        return found

    def methods(self, path: str) -> set[str]:
        """Return the methods with which the path is one of the routes."""
        if path in self._plain and not self._any.fullmatch(path):
            return self._plain[path]
        return {method for found in self.paths(path) for method in self._of(found)}

    def _of(self, path: str) -> set[str]:
        return self._plain[path] if path in self._plain else self._patterns[path][1]


def _named(found: re.Match[str]) -> str:
    return "{path}" if "path" in (found["converter"], found["convertor"]) else "{}"


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\}|\{path\})", path)
    wild = {"{}": "[^/]+", "{path}": ".*"}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in parts), re.DOTALL)


def _check_names(opened: Iterable[str], named: Iterable[RouteLine]) -> None:
    there = {str(line) for line in named} | set(CLOSED)
    for name in opened:
        if name not in there:
            raise Misconfigured(
                SETTING,
                f"{name!r} is neither one of {', '.join(CLOSED)} nor a route of this server as 'POST /path'",
                "Correct it, or leave it out.",
            )


def _unknown(unknown: list[RouteLine]) -> Misconfigured:
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return Misconfigured(
        "The MLflow server",
        f"it has routes that change something and that Handrail does not know: "
        f"{', '.join(map(str, unknown[:_SHOWN]))}{more}",
        f"Install a version of MLflow that Handrail was made for, or name in {SETTING} each route that may stay open.",
    )

"""Makes pages of facts: the frame that all share, and templates in which whatever people wrote stays text."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from handrail.approvals import shown
from handrail.entrypoints.console import words
from handrail.entrypoints.console.addresses import Address
from handrail.errors import MissingTool

try:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
except ImportError as err:
    raise MissingTool("jinja2", "server") from err

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What a browser may do with a page: nothing from elsewhere, nothing inline, in no frame of others."""
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files beside the pages, with their types."""
KEYS = {
    Address.INBOX: "i",
    Address.TIMELINES: "t",
    Address.TRACE: "r",
    Address.IMPACT: "m",
    Address.FEEDBACK: "f",
    Address.DEPLOYMENTS: "d",
    Address.HEALTH: "h",
    Address.FINDINGS: "n",
    Address.RULES: "u",
    Address.LOG: "l",
}
"""The key that leads to each page of a menu, after `g`, whichever pages the server has."""
KEPT_FOR = "public, max-age=31536000, immutable"
"""How long a browser keeps such a file: its address changes with its bytes."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What stands on top of pages until it ends: a sentence, what it means, and where to go."""

    kind: str
    title: str
    text: str = ""
    address: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all pages of one answer share: who is there, in which roles, on which server, at what moment.

    `base` is the path that the server itself lies at; `places` are the pages that it has; `here` is the one that is
    shown; `waiting` is how much waits for the person. `leave` is where a form logs them out, by the method `leave_by`
    and with its `token`; empty where this server cannot do it.
    """

    now: datetime
    me: str
    roles: tuple[str, ...] = ()
    server: str = ""
    base: str = ""
    here: Address = Address.INBOX
    places: tuple[tuple[Address, str], ...] = ()
    waiting: int = 0
    alerts: tuple[Alert, ...] = ()
    leave: str = ""
    leave_by: str = "post"
    token: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its template, its title and its facts, which are JSON values; `extra` is for the template alone."""

    template: str
    title: str
    facts: Mapping[str, Any]
    status: int = 200
    extra: Mapping[str, Any] = field(default_factory=dict)


def render(page: Page, frame: Frame) -> str:
    """Return a page as HTML."""
    found = _environment().get_template(page.template)
    names = {**page.facts, **page.extra}
    return found.render(page=page, frame=frame, go=_goes(frame), **names)


@cache
def static_file(name: str) -> bytes:
    """Return a file that pages need.

    Raises:
        KeyError: there is no such file.
    """
    if name not in STATIC:
        raise KeyError(name)
    return (files(__package__) / "static" / name).read_bytes()


@cache
def _version(name: str) -> str:
    return hashlib.sha256(static_file(name)).hexdigest()[:12]


def _goes(frame: Frame) -> Any:
    def go(address: str, query: dict[str, str] | None = None, **segments: Any) -> str:
        texts = {name: str(value) for name, value in segments.items()}
        return Address[address].to(frame.base, query, **texts)

    return go


def _static(frame: Frame, name: str) -> str:
    return Address.STATIC.to(frame.base, {"v": _version(name)}, file=name)


def visible(value: Any) -> Any:
    """Return what an expression of a template yields as one line of text that hides nothing; markup of ours stays."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return "" if value is None else value
    return shown(value)


def lines(text: str) -> Markup:
    """Return a text of several lines as markup: each line as `visible` makes it."""
    return Markup("\n").join(Markup.escape(shown(line.rstrip("\r"))) for line in text.split("\n"))


def ours(picture: str) -> Markup:
    """Return a picture as markup that templates take as it is; whoever drew it has made text of what people wrote."""
    return Markup(picture)  # noqa: S704


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    made.filters |= {
        "number": words.number,
        "signed": words.signed,
        "share": words.share,
        "points": words.points,
        "when": words.when,
        "day": words.day,
        "moment": words.moment,
        "listed": words.listed,
        "beside": words.beside,
        "metric": words.metric,
        "counted": words.counted,
        "lines": lines,
        "shell": shlex.quote,
    }
    made.globals |= {"static": _static, "keys": KEYS, "levels": words.LEVELS, "about_levels": words.ABOUT_LEVELS}
    return made

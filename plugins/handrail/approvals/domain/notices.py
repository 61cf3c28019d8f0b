"""What the gate writes about a request where reviewers look already: tags, and a marked block in a description.

People's text goes into the block as text; what they wrote around it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, unquote

from handrail.approvals.domain.events import Choice, History
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.questions import questions_of
from handrail.approvals.domain.texts import shown

TAGS = "approval."
"""How the keys of the tags begin; nobody but the gate can write such tags."""
LONGEST_DESCRIPTION = 5000
"""The characters that a registry keeps of a description."""
LONGEST_TEXT = 240
MOST_REASONS = 8
_OPENS, _ENDS, _CLOSES = "<!-- handrail ", " -->", "<!-- /handrail -->"
_PLAIN = frozenset(" ,;-?%/")
"""Signs that mean nothing inside a line of Markdown."""
_WORDS = {
    Verdict.REFUSED: "Refused: a rule is not met",
    Verdict.VOID: "Void: what was asked about changed",
    Verdict.REJECTED: "Rejected",
    Verdict.EVALUATING: "Being measured by the gate",
    Verdict.PENDING: "Waits for decisions",
    Verdict.APPROVED: "Approved, the alias is about to move",
    Verdict.PROMOTED: "Promoted",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is written about one request on the version that it is about, which was `created` at that moment (ms).

    `tags` have keys of the gate; `text` is Markdown and `short` the same in few words. `timeline` is where the history
    of the alias is shown. A notice about an older request never takes the place of one about a newer.
    """

    request_id: str
    opened_at: datetime
    model: str
    version: int
    created: int
    alias: str
    tags: Mapping[str, str]
    text: str
    short: str
    timeline: str

    def is_older_than(self, tags: Mapping[str, str]) -> bool:
        """Say whether these tags of the version are about a request for the alias that was opened later."""
        return tags.get(f"{TAGS}{self.alias}.opened", "") > self.tags[f"{TAGS}{self.alias}.opened"]

    def onto(self, description: str) -> str:
        """Return the description with this in it; with less of it, or as it was, where it would become too long."""
        return _fitting(description, self.alias, (self.text, self.short))

    def onto_model(self, description: str) -> str:
        """Return the registered model's description with where the history of the alias is shown, if it fits."""
        line = f"[History of {as_text(self.alias)}]({self.timeline})"
        return _fitting(description, self.alias, (line,))


def notice_of(history: History, judgement: Judgement, points_at: int | None, root: str = "") -> Notice:
    """Return what is written about a request.

    Args:
        history: of the request.
        judgement: on it at this moment.
        points_at: the version that the alias points at now.
        root: the path below which the server answers.
    """
    request, subject = history.request, history.request.subject
    status, words = _status(history, judgement, points_at)
    page = f"{root}/handrail/requests/{quote(request.request_id, safe='')}"
    timeline = f"{root}/handrail/timeline/{quote(subject.model, safe='')}/{quote(subject.alias, safe='')}"
    deciders = [decision.person for decision in history.decisions if decision.choice is not Choice.ASK]
    last = history.events[-1].at if history.events else request.opened_at
    named = {
        "status": status,
        "request": request.request_id,
        "opened": request.opened_at.isoformat(),
        "changed": last.isoformat(),
        "requested_by": request.requester,
        "decided_by": ", ".join(deciders),
        "policy": subject.policy_digest,
        "page": page,
    }
    head = f"**{as_text(subject.alias)}: {words}** · [request]({page}) · [timeline]({timeline})"
    return Notice(
        request_id=request.request_id,
        opened_at=request.opened_at,
        model=subject.model,
        version=subject.version,
        created=subject.created,
        alias=subject.alias,
        tags={f"{TAGS}{subject.alias}.{name}": shown(value) for name, value in named.items()},
        text="\n".join((head, "", *(f"- {line}" for line in _lines(history, judgement)))),
        short=head,
        timeline=timeline,
    )


def as_text(text: str, most: int = LONGEST_TEXT) -> str:
    """Return people's text so that Markdown shows it as it is: as one line, and no sign of it means anything."""
    plain = shown(text)
    cut = plain if len(plain) <= most else f"{plain[: most - 1]}…"
    return "".join(
        each if each.isalnum() or each in _PLAIN or not each.isascii() else f"&#{ord(each)};" for each in cut
    )


def with_block(description: str, name: str, text: str) -> str:
    """Return the description with the text in the place of the marked block of that name, first if there is none."""
    marked = f"{_opening(name)}\n\n{text}\n\n{_CLOSES}"
    if not any(found == name for found, _, _ in _blocks(description)):
        return f"{marked}\n\n{description}" if description.strip() else marked
    parts, at, is_there = [], 0, False
    for found, start, end in _blocks(description):
        if found == name:
            parts += [description[at:start], "" if is_there else marked]
            at, is_there = end, True
    return "".join((*parts, description[at:]))


def without_blocks(description: str) -> str:
    """Return what people wrote: the description without marked blocks."""
    parts, at = [], 0
    for _, start, end in _blocks(description):
        parts.append(description[at:start])
        at = end
    return "".join((*parts, description[at:])).lstrip("\n") if parts else description


def keeping_blocks(written: str, present: str) -> str:
    """Return what a person writes in the place of `present`: their text, and the marked blocks as they were."""
    ours = "\n\n".join(present[start:end] for _, start, end in _blocks(present))
    theirs = without_blocks(written)
    if not ours:
        return theirs
    whole = f"{ours}\n\n{theirs}" if theirs.strip() else ours
    return whole if len(whole) <= LONGEST_DESCRIPTION else theirs


def _fitting(description: str, name: str, texts: Sequence[str]) -> str:
    """Return the description with the first of the texts that it has room for; as it was if it has for none."""
    every = (with_block(description, name, text) for text in texts)
    return next((whole for whole in every if len(whole) <= LONGEST_DESCRIPTION), description)


def _status(history: History, judgement: Judgement, points_at: int | None) -> tuple[str, str]:
    """Return a word for a search and the words for people."""
    done, verdict = history.done, judgement.verdict
    if history.revoked is not None:
        return "revoked", f"The permit was taken back on {_day(history.revoked.at)}"
    if done is None or verdict is not Verdict.PROMOTED:
        return str(verdict), _WORDS[verdict]
    if points_at == history.request.subject.version:
        return "in-use", f"The alias points here since {_day(done.at)}"
    now = "nothing" if points_at is None else f"version {points_at}"
    return "replaced", f"The alias pointed here from {_day(done.at)}; it points at {now} now"


def _lines(history: History, judgement: Judgement) -> Iterator[str]:
    request, subject = history.request, history.request.subject
    kind = f" as a {subject.purpose}" if subject.purpose else " as an adoption" if subject.adopts else ""
    yield f"Asked for{kind} by {as_text(request.requester)} on {_moment(request.opened_at)}: {as_text(request.reason)}"
    yield from _measured(history)
    for question in questions_of(history):
        asked, answered = question.asked, question.answered
        yield f"{as_text(asked.person)} asked on {_moment(asked.at)}: {as_text(asked.reason)}"
        if answered is not None:
            yield f"{as_text(answered.person)} answered on {_moment(answered.at)}: {as_text(answered.answer)}"
    for decision in history.decisions:
        if decision.choice is not Choice.ASK:
            said = {Choice.APPROVE: "approved", Choice.REJECT: "rejected"}[decision.choice]
            yield f"{as_text(decision.person)} {said} on {_moment(decision.at)}: {as_text(decision.reason)}"
    if history.revoked is not None:
        taken = history.revoked
        yield f"{as_text(taken.person)} took the permit back on {_moment(taken.at)}: {as_text(taken.reason)}"
    if judgement.verdict is not Verdict.REJECTED:  # whoever rejected is named above
        yield from map(as_text, judgement.reasons[:MOST_REASONS])
    yield f"Judged by the policy {as_text(subject.policy_digest.removeprefix('sha256:')[:12])}"


def _measured(history: History) -> Iterator[str]:
    """Say what the gate itself measured, beside what the alias pointed at if there was anything."""
    found, incumbent = history.evaluated, history.request.subject.incumbent
    if found is None:
        return
    if found.problem is not None:
        yield as_text(found.problem)
        return
    compared = found.measures.get("comparison")
    if not compared:
        values = found.measures.get("evaluation", {})
        names = [name for name in sorted(values) if f"{name}_low" in values]
        figures = ", ".join(f"{as_text(name)} {values[name]:.4f}" for name in names)
        yield f"Measured by the gate on {values.get('rows', 0):,} labelled rows: {figures}"
        return
    against = f"version {incumbent}" if incumbent is not None else "what the alias pointed at"
    gain = compared["delta"]
    yield (
        f"Measured by the gate on the same {compared['n']:,} labelled rows as {against}: "
        f"{as_text(str(compared.get('metric', 'the metric')))} {compared['challenger_value']:.4f} against "
        f"{compared['champion_value']:.4f}, {'better' if gain >= 0 else 'worse'} by {abs(gain):.4f} "
        f"(the gain lies between {compared['ci_low']:+.4f} and {compared['ci_high']:+.4f})"
    )


def _opening(name: str) -> str:
    return f"{_OPENS}{quote(name, safe='')}{_ENDS}"


def _blocks(description: str) -> Iterator[tuple[str, int, int]]:
    """Yield the name, start and end of each marked block: a closing mark, and the last opening one before it."""
    at = 0
    while (closes := description.find(_CLOSES, at)) >= 0:
        end = closes + len(_CLOSES)
        start = description.rfind(_OPENS, at, closes)
        name_ends = description.find(_ENDS, start, closes) if start >= 0 else -1
        if name_ends >= 0:
            yield unquote(description[start + len(_OPENS) : name_ends]), start, end
        at = end


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"

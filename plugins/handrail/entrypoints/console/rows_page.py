"""The pages of labelled rows: what was handed in for a model, by whom, what it holds, and who has to confirm it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from handrail.approvals import SnapshotView
from handrail.entrypoints.console.pages import Page
from handrail.entrypoints.console.words import beside, counted, listed, number, share

Row = dict[str, Any]
MOST_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Sent:
    """Why a confirmation was not recorded, with its status, or that it was."""

    problem: str = ""
    status: int = 200
    said: str = ""


def rows_page(views: Sequence[SnapshotView], model: str, me: str | None, named: Callable[[str], str] = str) -> Page:
    """Return the list of what was handed in, the latest first.

    Args:
        views: each snapshot for each model that the person may read.
        model: the one that was asked for, empty for all.
        me: the name of the person who looks, None for an account of nobody.
        named: gives the person behind an account.
    """
    rows = [row_of(view, named) | {"is_mine": me in view.could} for view in views]
    rows.sort(key=lambda row: max(row["times"]), reverse=True)
    waiting = [row for row in rows if row["state"]["kind"] == "warn"]
    title = f"{counted(len(waiting), 'snapshot')} of labelled rows to confirm" if waiting else "Labelled rows"
    return Page(
        "rows.html", title, {"model": model, "waiting": waiting, "others": [r for r in rows if r not in waiting]}
    )


def snapshot_page(
    view: SnapshotView, refusal: str | None, token: str, sent: Sent, named: Callable[[str], str] = str
) -> Page:
    """Return the page of one snapshot for one model.

    Args:
        view: what is known of it.
        refusal: why the person may not confirm it, None if they may.
        token: of the form that confirms it, empty for none.
        sent: what became of the form.
        named: gives the person behind an account.
    """
    facts = row_of(view, named) | {"refusal": refusal, "holds": _holds(view), "problem": view.problem}
    title = f"May {view.model} be measured on these rows?"
    extra = {"token": token, "not_recorded": sent.problem, "said": sent.said == "confirmed"}
    return Page("snapshot.html", title, facts, sent.status, extra)


def row_of(view: SnapshotView, named: Callable[[str], str] = str) -> Row:
    """Return a snapshot as the pages show it: whose it is, who confirmed it, and what it waits for."""
    if not view.roles:
        state = {"kind": "flat", "text": "no second person is needed"}
    elif view.confirmed:
        state = {"kind": "good", "text": "confirmed"}
    else:
        state = {"kind": "warn", "text": "waits for a second person"}
    return {
        "snapshot": view.digest,
        "model": view.model,
        "state": state,
        "handed_in": [{"by": named(each.account), "at": each.at.isoformat()} for each in view.handed_in],
        "confirmed": [{"by": beside(each.person, each.account), "at": each.at.isoformat()} for each in view.confirmed],
        "roles": list(view.roles),
        "could": list(view.could),
        "times": [each.at.isoformat() for each in view.handed_in],
    }


def _holds(view: SnapshotView) -> list[Row] | None:
    """Return what the rows hold in the few numbers that a person looks at; None where that was not read."""
    found = view.described
    if found is None:
        return None
    whole = abs(sum(found.label.values()) - 1) < 1e-6
    write = share if whole else number
    label = listed([f"{name}: {write(value)}" for name, value in found.label.items()]) or "none"
    more = len(found.columns) - MOST_COLUMNS
    columns = ", ".join(found.columns[:MOST_COLUMNS]) + (f" and {more} more" if more > 0 else "")
    return [
        {"what": "Rows", "value": f"{found.rows:,}, of which {found.labelled:,} have a label"},
        {"what": "Shares of the label" if whole else "Label", "value": label},
        {"what": "Clusters", "value": f"{found.clusters:,}, from {found.first} to {found.last}"},
        {"what": counted(len(found.columns), "column"), "value": columns},
    ]

"""How values look in the frames of the keeper's socket. Requests and events look as they do in the database."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from handrail.approvals.adapters.event_rows import event_body, event_from, kind_of, request_body, request_from
from handrail.approvals.domain.cases import CasesPlan, Grouping, Measure
from handrail.approvals.domain.evaluation import Columns, Evaluation, EvaluationPlan, Package, Prospective, Question
from handrail.approvals.domain.events import Event, History, Rejection
from handrail.approvals.domain.fairness import FairnessPlan
from handrail.approvals.domain.holding import Promotion
from handrail.approvals.domain.predictions import Commitment, Foretelling
from handrail.approvals.domain.row_custody import HandedIn, RowsConfirmed
from handrail.approvals.domain.standing import Promoted
from handrail.approvals.domain.subject import Authorship, Candidate, Purpose
from handrail.manifest import FileEntry, Manifest

_MOMENTS = ("superseded_at", "expires")


def history_values(history: History) -> dict[str, Any]:
    """Write a request with its events."""
    return {"request": request_body(history.request), "events": [event_values(event) for event in history.events]}


def history_from(values: Mapping[str, Any]) -> History:
    """Read what `history_values` wrote."""
    return History(request_from(values["request"]), tuple(event_from_values(event) for event in values["events"]))


def event_values(event: Event) -> list[str]:
    """Write an event."""
    return [kind_of(event), event_body(event)]


def event_from_values(values: list[str]) -> Event:
    """Read what `event_values` wrote."""
    kind, body = values
    return event_from(kind, body)


def candidate_from(values: Mapping[str, Any]) -> Candidate:
    """Read a candidate that was written as its fields."""
    return Candidate(**values)


def manifest_from(rows: list[Mapping[str, Any]]) -> Manifest:
    """Read the entries of a manifest, which may be empty."""
    return Manifest(tuple(FileEntry(str(row["path"]), int(row["size"]), str(row["sha256"])) for row in rows))


def authorship_from(values: Mapping[str, Any]) -> Authorship:
    """Read an authorship that was written as its fields."""
    return Authorship(tuple(values["accounts"]), tuple(values["unrecorded"]))


def promotion_values(promotion: Promotion) -> dict[str, Any]:
    """Write what became of a promotion."""
    moments = {name: getattr(promotion, name) for name in _MOMENTS}
    return asdict(promotion) | {name: at and at.isoformat() for name, at in moments.items()}


def promotion_from(values: Mapping[str, Any]) -> Promotion:
    """Read what `promotion_values` wrote."""
    moments = {name: values[name] and datetime.fromisoformat(values[name]) for name in _MOMENTS}
    return Promotion(**{**values, **moments, "promoted": promoted_from(values["promoted"])})


def rejection_from(values: Mapping[str, Any]) -> Rejection:
    """Read what `Rejection.to_json` wrote."""
    return Rejection(**{**values, "at": datetime.fromisoformat(values["at"])})


def promoted_from(values: Mapping[str, Any]) -> Promoted:
    """Read a promotion that was written as its fields."""
    purpose = values["purpose"]
    return Promoted(**{**values, "purpose": None if purpose is None else Purpose(purpose)})


def question_values(question: Question) -> dict[str, Any]:
    """Write a question without the place of its snapshot, which is the keeper's to know."""
    return {
        "plan": asdict(question.plan),
        "candidate": _package_values(question.candidate),
        "incumbent": _package_values(question.incumbent) if question.incumbent else None,
        "snapshot": question.snapshot_digest,
        "tree_digest": question.tree_digest,
    }


def plan_from(values: Mapping[str, Any]) -> EvaluationPlan:
    """Read a plan that was written as its fields."""
    plan: dict[str, Any] = dict(values)
    columns: dict[str, Any] = dict(plan["columns"])
    columns["withheld"] = tuple(columns["withheld"])
    plan["prospective"] = plan["prospective"] and Prospective(**plan["prospective"])
    plan |= {"columns": Columns(**columns)} | {name: tuple(plan[name]) for name in ("metrics", "classes", "custody")}
    plan["fairness"] = plan["fairness"] and _fairness_plan_from(plan["fairness"])
    plan["cases"] = _cases_plan_from(plan["cases"])
    return EvaluationPlan(**plan)


def question_from(values: Mapping[str, Any]) -> Question:
    """Read what `question_values` wrote."""
    plan = plan_from(values["plan"])
    incumbent = _package_from(values["incumbent"]) if values["incumbent"] else None
    candidate, tree_digest = _package_from(values["candidate"]), str(values["tree_digest"])
    return Question(plan, candidate, incumbent, "", str(values["snapshot"]), tree_digest)


def moment_values(said: HandedIn | RowsConfirmed) -> dict[str, Any]:
    """Write what somebody said about a snapshot."""
    return asdict(said) | {"at": said.at.isoformat()}


def handed_in_from(values: Mapping[str, Any]) -> HandedIn:
    """Read who handed in a snapshot."""
    return HandedIn(**{**values, "at": datetime.fromisoformat(values["at"])})


def commitment_from(values: Mapping[str, Any]) -> Commitment:
    """Read a file of predictions that was committed, as `Commitment.to_json` wrote it."""
    said = Foretelling(values["tree_digest"], values["model"], values["account"])
    return Commitment(said, values["predictions"], datetime.fromisoformat(values["at"]))


def confirmed_from(values: Mapping[str, Any]) -> RowsConfirmed:
    """Read who confirmed a snapshot."""
    return RowsConfirmed(**{**values, "at": datetime.fromisoformat(values["at"])})


def evaluation_from(values: Mapping[str, Any]) -> Evaluation:
    """Read an evaluation that was written as its fields."""
    names = ("evaluation", "comparison", "scores", "isolation", "cases", "prospective", "fairness")
    return Evaluation(**{name: values[name] for name in names})


def _fairness_plan_from(values: Mapping[str, Any]) -> FairnessPlan:
    rates = {name: tuple(of) for name, of in values["rates"].items()}
    return FairnessPlan(tuple(values["segments"]), int(values["least_rows"]), rates)


def _cases_plan_from(values: Mapping[str, Any]) -> CasesPlan:
    groupings = (Grouping(**{**one, "edges": tuple(one["edges"])}) for one in values["groupings"])
    measures = tuple(Measure(**one) for one in values["measures"])
    return CasesPlan(**{**values, "measures": measures, "groupings": tuple(groupings)})


def _package_values(package: Package) -> dict[str, str]:
    return {
        name: base64.b64encode(content).decode("ascii")
        for name, content in (("scoring", package.scoring), ("network", package.network))
    }


def _package_from(values: Mapping[str, str]) -> Package:
    return Package(*(base64.b64decode(values[name], validate=True) for name in ("scoring", "network")))

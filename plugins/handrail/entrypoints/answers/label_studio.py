"""Tasks for people who label, and their answers, as Label Studio reads and writes them in JSON.

A task shows what the prediction is about and not what the model answered, which would lead whoever labels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from handrail.clock import parse_moment
from handrail.errors import HandrailError, InvalidInput
from handrail.feedback import Feedback, LabelQueue, QueuePlan, Reason, Rejected, plan_of

SOURCE = "label-studio"
NUMBERS = ("number", "rating")
REMEDY = "Export the project from Label Studio as JSON."


def tasks_of(queue: LabelQueue) -> list[dict[str, Any]]:
    """Return the tasks of a queue for Label Studio's import; each carries the plan and its probability beside it."""
    plan = asdict(queue.plan)
    return [
        {
            "data": {
                "prediction_id": task.prediction_id,
                "subject": task.subject,
                "made_at": task.made_at.isoformat(),
                "deployment": task.deployment,
            },
            "meta": {"kind": queue.kind, "propensity": task.propensity, "queue": plan},
        }
        for task in queue.tasks
    ]


def read_tasks(text: str) -> list[Mapping[str, Any]]:
    """Read a file of tasks, of ours or exported from Label Studio.

    Raises:
        InvalidInput: it is no list of tasks.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise InvalidInput("file", "it is not JSON", REMEDY) from err
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise InvalidInput("file", "it is not a list of tasks", REMEDY)
    return found


def plan_in(tasks: list[Mapping[str, Any]]) -> QueuePlan:
    """Return the plan that all tasks of a file carry.

    Raises:
        InvalidInput: one carries none, or they carry several.
    """
    metas = [each.get("meta") for each in tasks]
    plans = [meta.get("queue") if isinstance(meta, dict) else None for meta in metas]
    if not all(isinstance(plan, dict) for plan in plans) or any(plan != plans[0] for plan in plans):
        remedy = "Give the file that `handrail feedback queue make` wrote, or an export of its tasks alone."
        raise InvalidInput("file", "its tasks are not those of one queue", remedy)
    first = plans[0]
    assert isinstance(first, dict)
    return plan_of(first)


def read_labels(
    tasks: list[Mapping[str, Any]], kind: str, choices: Mapping[str, float], now: datetime
) -> Iterator[Feedback | Rejected]:
    """Yield what people answered, received `now`: one event an annotation. Skipped ones say nothing.

    `choices` has the value of each choice; one that is a number needs none. An annotation that was changed later
    supersedes itself, by its time. Of several annotations of a task the latest counts.
    """
    for place, task in enumerate(tasks):
        for annotation in _annotations(task):
            try:
                yield _event(task, annotation, kind, choices, now)
            except HandrailError as err:
                field = getattr(err, "field", "")
                yield Rejected("feedback", Reason.MALFORMED, field, str(err), annotation, f"task {place + 1}")


def _annotations(task: Mapping[str, Any]) -> list[Any]:
    found = task.get("annotations")
    return [each for each in found if not _was_skipped(each)] if isinstance(found, list) else []


def _was_skipped(annotation: Any) -> bool:
    return isinstance(annotation, dict) and bool(annotation.get("was_cancelled"))


def _event(
    task: Mapping[str, Any], annotation: Any, kind: str, choices: Mapping[str, float], now: datetime
) -> Feedback:
    data = task.get("data")
    about = data.get("prediction_id") if isinstance(data, dict) else None
    if not isinstance(about, str) or not isinstance(annotation, dict):
        raise InvalidInput("prediction_id", "the task has none", "Label tasks of `handrail feedback queue make`.")
    number, at = annotation.get("id"), annotation.get("updated_at") or annotation.get("created_at")
    if not isinstance(number, int) or not isinstance(at, str):
        raise InvalidInput("annotation", "it has no id or no time", REMEDY)
    try:
        moment = parse_moment(at)
    except ValueError as err:
        raise InvalidInput("updated_at", f"{at[:40]!r} is no moment", REMEDY) from err
    value = _value(annotation.get("result"), choices)
    key = f"{SOURCE}/{number}/{moment.isoformat()}"
    return Feedback(about, kind, value, SOURCE, 0, moment, now, key)


def _value(result: Any, choices: Mapping[str, float]) -> float:
    """Return the number that an answer represents: a choice by its word, a number or a rating itself."""
    answers = [each for each in result if isinstance(each, dict)] if isinstance(result, list) else []
    values = [each.get("value") for each in answers]
    said = [value for value in values if isinstance(value, dict) and {"choices", *NUMBERS} & value.keys()]
    if len(said) != 1:
        raise InvalidInput("result", f"it holds {len(said)} choices, numbers and ratings", "Have one asked a task.")
    for name in NUMBERS:
        if isinstance(said[0].get(name), int | float) and not isinstance(said[0][name], bool):
            return float(said[0][name])
    words = said[0].get("choices")
    if not isinstance(words, list) or len(words) != 1 or not isinstance(words[0], str):
        raise InvalidInput("choices", "not exactly one was made", 'Have one choice made: choice="single".')
    if words[0] in choices:
        return choices[words[0]]
    try:
        return float(words[0])
    except ValueError as err:
        raise InvalidInput("choices", f"{words[0][:60]!r} is no number", "Say its value: --choice WORD=1.") from err

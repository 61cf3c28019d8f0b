"""`handrail explain`: what made one answer, by the bytes that answered and the features that they saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from handrail.bootstrap import open_records
from handrail.bootstrap.explaining import Explained, explain_prediction
from handrail.entrypoints.cli.output import AsJson, messages, print_json, print_rows
from handrail.errors import InvalidInput

EXAMPLE = "Example: handrail explain 0b5a2f9c41d7 --features row.json"
SHOWN = 10

Which = Annotated[str, typer.Argument(help="The prediction_id of an answer.")]
Given = Annotated[
    Path | None,
    typer.Option("--features", help="A JSON object with the features, where nothing else holds them any more."),
]
Every = Annotated[bool, typer.Option("--all", help="List every feature, not the ten that matter most.")]


def explain(prediction: Which, features: Given = None, every: Every = False, as_json: AsJson = False) -> None:
    """Say what each feature added to one answer, by SHAP on the permitted bytes that gave it.

    The features are looked for and count only with the digest that was recorded; contributions that do not add up to
    the recorded score are refused.
    """
    given = _read(features) if features else None
    with open_records() as platform:
        found = explain_prediction(platform, prediction, given)
    if as_json:
        print_json(found.to_json())
    else:
        _print(found, None if every else SHOWN)


def _read(file: Path) -> dict[str, Any]:
    remedy = "Write one JSON object: feature names with their values, null where unknown."
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InvalidInput("--features", f"{file} cannot be read as JSON ({err})", remedy) from err
    if not isinstance(values, dict):
        raise InvalidInput("--features", f"{file} holds no JSON object", remedy)
    return values


def _print(found: Explained, most: int | None) -> None:
    of = found.explanation
    typer.echo(of.sentence)
    shown = of.contributions[:most]
    print_rows(
        [("feature", "value", "added"), *((one.feature, _value(one.value), f"{one.amount:+.4f}") for one in shown)]
    )
    scale = of.to_json()["scale"]
    left = len(of.contributions) - len(shown)
    more = f" {left} more with --all." if left else ""
    messages.print(
        f"Added to {of.base:.4f}{f' ({scale})' if scale else ''}; together they miss the answer by {of.gap:.1g}.{more} "
        f"Features {found.found}; model {found.tree_digest[:19]}."
    )


def _value(value: str | float | None) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else f"{value:g}"

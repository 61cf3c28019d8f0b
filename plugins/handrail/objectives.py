"""config/objectives.yaml: what the business wants from the model, in figures, each with one owner."""

# pydantic reads the annotations at run time, so they stay real.

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from handrail.config import Section, parse_config, read_text


class Objective(Section):
    """One business objective: `target` is what is wanted of `kpi`, `owner` the role that is responsible for it.

    `measure` names the number of the gate's own evaluator that shows before a promotion whether it is met, if one does.
    """

    statement: str = Field(min_length=1)
    kpi: str = Field(min_length=1)
    kind: Literal["at-least", "at-most"]
    target: float
    owner: Literal[
        "business-stakeholder",
        "solution-architect",
        "data-scientist",
        "data-engineer",
        "software-engineer",
        "devops-engineer",
        "ml-engineer",
    ]
    measure: Annotated[str, Field(pattern=r"^(evaluation|comparison)\.")] | None = None

    def holds(self, value: float, limit: float) -> bool:
        """Say whether `value` is on the good side of `limit`; on the limit is good."""
        return value >= limit if self.kind == "at-least" else value <= limit


class Objectives(Section):
    """All objectives by name."""

    objectives: dict[str, Objective]


def parse_objectives(text: str, place: str) -> dict[str, Objective]:
    """Return the objectives by name; `place` is what messages call the text.

    Raises:
        Misconfigured: a key is unknown, missing or wrong; the sentence names the key.
    """
    return parse_config(text, Objectives, shown=place).objectives


def read_objectives(config: Path) -> dict[str, Objective]:
    """Read objectives.yaml in the folder `config`.

    Raises:
        Misconfigured: the file is missing, or a key in it is unknown, missing or wrong; the sentence names the key.
    """
    file = config / "objectives.yaml"
    return parse_objectives(read_text(file), str(file))

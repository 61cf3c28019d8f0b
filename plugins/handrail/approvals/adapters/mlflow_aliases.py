"""MLflow's own table of aliases, read on the server's machine without the server."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from handrail.errors import Unavailable

_ALIASES = sa.table("registered_model_aliases", sa.column("name"), sa.column("alias"), sa.column("version"))
_TAGS = sa.table("registered_model_tags", sa.column("name"), sa.column("key"), sa.column("value"))
_IS_PROMPT = sa.and_(_TAGS.c.key == "mlflow.prompt.is_prompt", sa.func.lower(_TAGS.c.value) == "true")


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """The version that an alias points at, and whether it is one of a prompt."""

    version: int
    prompt: bool = False


def read_aliases(url: str) -> dict[tuple[str, str], AliasTarget]:
    """Return what each alias of each registered model and prompt points at, by model and alias.

    Raises:
        Unavailable: the database cannot be read, or is not MLflow's.
    """
    try:
        engine = sa.create_engine(url)
        try:
            with engine.connect() as connection:
                rows = connection.execute(sa.select(_ALIASES)).all()
                prompts = set(connection.execute(sa.select(_TAGS.c.name).where(_IS_PROMPT)).scalars())
        finally:
            engine.dispose()
        return {(row.name, row.alias): AliasTarget(int(row.version), row.name in prompts) for row in rows}
    except (SQLAlchemyError, ValueError, TypeError) as err:
        problem = f"its aliases cannot be read: {str(err).splitlines()[0]}"
        raise Unavailable("MLflow's database", problem, "Name it with --backend-store-uri.") from err

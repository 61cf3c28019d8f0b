"""MLflow's own table of aliases, read on the server's machine without the server."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from handrail.errors import Unavailable

_ALIASES = sa.table("registered_model_aliases", sa.column("name"), sa.column("alias"), sa.column("version"))


def read_aliases(url: str) -> dict[tuple[str, str], int]:
    """Return the version that each alias of each registered model points at, by model and alias.

    Raises:
        Unavailable: the database cannot be read, or is not MLflow's.
    """
    try:
        engine = sa.create_engine(url)
        try:
            with engine.connect() as connection:
                rows = connection.execute(sa.select(_ALIASES)).all()
        finally:
            engine.dispose()
        return {(row.name, row.alias): int(row.version) for row in rows}
    except (SQLAlchemyError, ValueError, TypeError) as err:
        problem = f"its aliases cannot be read: {str(err).splitlines()[0]}"
        raise Unavailable("MLflow's database", problem, "Name it with --backend-store-uri.") from err

"""Which key the subjects of a log are named with, in SQL."""

from __future__ import annotations

import sqlalchemy as sa

from handrail.errors import Misconfigured
from handrail.feedback.adapters.sql_tables import event, prediction, subject_key
from handrail.storage import Store
from handrail.storage.bulk import insert_new

PLACE = "config/feedback.yaml, privacy.subjects"


def require_key(store: Store, key_id: str | None) -> None:
    """Refuse a key that the log's pseudonyms were not made with; a log without any subject takes the one it is given.

    `key_id` is None where subjects are named as they are.

    Raises:
        Misconfigured: the log has pseudonyms of another key, or its subjects are named the other way.
    """
    with store.read() as connection:
        held = connection.execute(sa.select(subject_key.c.key_id)).scalar()
    if held == key_id:
        return
    if held is not None:
        problem = "the log has pseudonyms" if key_id is None else "the log's pseudonyms were made with another key"
        remedy = "Write keyed again." if key_id is None else "Put the key back from your backup: feedback-subject-key."
        raise Misconfigured(PLACE, problem, remedy)
    with store.write() as connection:
        named = (sa.exists().select_from(prediction), sa.exists().where(event.c.subject != ""))
        if connection.execute(sa.select(sa.or_(*named))).scalar():
            raise Misconfigured(PLACE, "the log has plain subjects", "Write plain, or begin with an empty store.")
        connection.execute(insert_new(connection, subject_key), {"key_id": key_id})

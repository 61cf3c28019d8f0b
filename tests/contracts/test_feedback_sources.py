"""What every `EventSources` promises."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.bootstrap.feedback import feedback_stores
from handrail.feedback import Feedback
from handrail.feedback.adapters.sql_sources import SqlSources
from handrail.storage import Store
from tests.fakes.feedback_store import DATABASES, a_store

AT = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with a_store(request.param, tmp_path) as found:
        yield found


def said(source: str, kind: str = "ground_truth", revision: int = 0) -> Feedback:
    return Feedback("p1", kind, 1.0, source, revision, AT, AT)


def test_each_event_of_the_kind_up_to_the_mark_has_its_source(store: Store) -> None:
    stores = feedback_stores(store)
    first, other, late = said("tower"), said("airline", revision=1), said("partner", revision=2)
    stores.events.append([first, other, said("guest", "rating")])
    mark = stores.reader.mark()
    stores.events.append([late])
    ids = {row[1]: row[0] for row in SqlSources(store).named("ground_truth", stores.reader.mark())}

    assert dict(SqlSources(store).named("ground_truth", mark)) == {ids["tower"]: "tower", ids["airline"]: "airline"}
    assert set(ids) == {"tower", "airline", "partner"}

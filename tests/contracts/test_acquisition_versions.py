"""What every `Versions` promises."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.acquisition import SchemaChange, TableVersion, Versions
from handrail.acquisition.adapters.sql_row_store import MIGRATIONS
from handrail.acquisition.adapters.sql_versions import SqlVersions
from handrail.errors import Conflict, UnknownReference
from tests.fakes.acquisition import VersionsInMemory
from tests.fakes.feedback_store import DATABASES, a_migrated_store

AT = datetime(2026, 11, 30, 12, 0, 0, 5, tzinfo=UTC)
SECOND = TableVersion(2, AT, "ann", (SchemaChange("renamed", "é", "e"), SchemaChange("new", "n", "day")), {"é": "e"})


@pytest.fixture(params=["memory", *DATABASES])
def versions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Versions]:
    if request.param == "memory":
        yield VersionsInMemory()
        return
    with a_migrated_store(request.param, tmp_path, "acquisition", MIGRATIONS) as store:
        yield SqlVersions(store)


def test_a_table_has_no_version_after_its_first_until_one_is_opened(versions):
    assert list(versions.opened("shop")) == []


def test_versions_come_back_as_they_were_opened_in_their_order(versions):
    third = TableVersion(4, AT, "config/sources.yaml", ())
    versions.open("shop", SECOND)
    versions.open("shop", third)
    versions.open("other", SECOND)

    assert list(versions.opened("shop")) == [SECOND, third]


@pytest.mark.parametrize("number", [1, 2])
def test_a_number_is_used_once_and_never_goes_back(versions, number):
    versions.open("shop", SECOND)

    with pytest.raises(Conflict, match="shop.v"):
        versions.open("shop", replace(SECOND, number=number, by="bob"))

    assert list(versions.opened("shop")) == [SECOND]


def test_what_was_carried_stays_marked(versions):
    versions.open("shop", SECOND)

    for _ in range(2):
        versions.carried("shop", 2)

    assert list(versions.opened("shop")) == [replace(SECOND, carried=True)]
    with pytest.raises(UnknownReference):
        versions.carried("shop", 3)

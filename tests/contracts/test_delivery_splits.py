"""What every `Splits` promises."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handrail.delivery import Challenger, Change, End, Role, Slot, Split, Splits
from handrail.errors import Conflict
from tests.fakes.delivery import SplitsInMemory
from tests.fakes.delivery_store import splits_of
from tests.fakes.feedback_store import DATABASES

SLOT = Slot("local", "flights")
WHO = Challenger(
    "two",
    Role.CANARY,
    0.05,
    "mlflow://s/registered/flights/1/2",
    "sha256:2",
    "canary",
    "deploy://local/flights/2",
    True,
)
AT = datetime(2026, 11, 30, 12, 0, 0, 5, tzinfo=UTC)


@pytest.fixture(params=["memory", *DATABASES])
def splits(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Splits]:
    if request.param == "memory":
        yield SplitsInMemory()
        return
    with splits_of(request.param, tmp_path) as found:
        yield found


def change(number: int, *challengers: Challenger, slot: Slot = SLOT) -> Change:
    return Change(number, Split(slot, "flights", challengers), AT, "ada", "it is better")


def test_a_slot_without_changes_has_none(splits: Splits) -> None:
    splits.append(change(1, slot=Slot("local", "other")))

    assert splits.newest(SLOT) is None
    assert list(splits.changes(SLOT, 10)) == []


def test_changes_come_back_as_they_were_the_newest_first(splits: Splits) -> None:
    first = change(1, WHO)
    second = Change(2, Split(SLOT, "flights"), AT, "the service", "it did not answer", "two", End.ERRORED)
    splits.append(first)
    splits.append(second)

    assert splits.newest(SLOT) == second
    assert list(splits.changes(SLOT, 10)) == [second, first]
    assert list(splits.changes(SLOT, 1)) == [second]


def test_of_two_changes_with_one_number_the_first_stays(splits: Splits) -> None:
    splits.append(change(1, WHO))

    with pytest.raises(Conflict, match="changed the split meanwhile"):
        splits.append(change(1))

    assert splits.newest(SLOT) == change(1, WHO)

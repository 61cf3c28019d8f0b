"""`FindingBook`: the same promises by the fake, by SQL, and over a keeper's socket."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from handrail.approvals.adapters.socket_custody import SocketFindings
from handrail.approvals.adapters.sql_findings import SqlFindings
from handrail.approvals.domain.errors import MovedMeanwhile
from handrail.approvals.domain.findings import FindingClosed, FindingOpened, Severity
from tests.fakes.approvals_findings import MemoryFindings
from tests.fakes.approvals_store import DATABASES, approvals_store, logged_ledger
from tests.fakes.approvals_world import TickingClock
from tests.fakes.keeper import asking

clock = TickingClock()


@pytest.fixture(params=["memory", "socket", *DATABASES])
def book(request, tmp_path):
    if request.param == "memory":
        yield MemoryFindings()
        return
    if request.param == "socket":
        with asking(findings=MemoryFindings()) as keeper:
            yield SocketFindings(keeper)
        return
    with approvals_store(request.param, tmp_path) as store:
        yield SqlFindings(store, logged_ledger(store).log)


def _opened(finding_id="fi-1", model="flights", **more):
    return FindingOpened(clock(), finding_id, model, "drift: 'très' \"bad\"", Severity.HIGH, "ben", "Ben", **more)


def test_what_happened_comes_back_in_order(book):
    events = [
        _opened(version=3, alias="champion"),
        _opened("fi-2"),
        FindingClosed(clock(), "fi-1", "cleo", "Cleo", "repaired"),
    ]
    for place, event in enumerate(events):
        book.append("flights", place, event)

    assert list(book.events("flights")) == events
    assert list(book.models()) == ["flights"]


def test_each_model_has_findings_of_its_own(book):
    book.append("orders", 0, _opened(model="orders"))
    book.append("flights", 0, _opened())

    assert list(book.models()) == ["flights", "orders"]
    assert len(book.events("orders")) == 1
    assert list(book.events("nothing")) == []


@pytest.mark.parametrize("known", [0, 2], ids=["taken", "gap"])
def test_an_event_at_another_place_than_the_next_is_not_stored(book, known):
    book.append("flights", 0, _opened())

    with pytest.raises(MovedMeanwhile):
        book.append("flights", known, _opened("fi-2"))

    assert len(book.events("flights")) == 1


def test_of_many_writers_at_once_exactly_one_wins(book):
    def write(number):
        with suppress(MovedMeanwhile):
            book.append("flights", 0, _opened(f"fi-{number}"))
            return 1
        return 0

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(8))) == 1

"""`RequestIndex`: the same pages and counts by the fake, by SQL, and over a keeper's socket."""

from dataclasses import replace

import pytest

from handrail.approvals.adapters.socket_ledger import SocketLedger
from handrail.approvals.domain.events import Choice, Decided, MoveDone, MoveIntended, Published, Voided
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.pages import Listing
from handrail.approvals.domain.permit import make_statement
from handrail.manifest import canonical_json
from tests.fakes.approvals import FakeSigner, MemoryLedger
from tests.fakes.approvals_store import DATABASES, approvals_store, logged_ledger
from tests.fakes.approvals_world import TERMS, TickingClock, World, opening
from tests.fakes.keeper import asking

clock = TickingClock()


@pytest.fixture(params=["memory", "socket", *DATABASES])
def ledger(request, tmp_path):
    if request.param == "memory":
        yield MemoryLedger()
        return
    if request.param == "socket":
        with approvals_store("sqlite", tmp_path) as store, asking(ledger=logged_ledger(store)) as keeper:
            yield SocketLedger(keeper)
        return
    with approvals_store(request.param, tmp_path) as store:
        yield logged_ledger(store)


def _requests(count=1):
    world = World()
    for version in range(2, count + 1):
        world.register(version)
    return [world.gate.open_request(opening(v), "ada").history.request for v in range(1, count + 1)]


def _yes(person="Ben"):
    return Decided(clock(), person.lower(), person, Choice.APPROVE, "tr\u00e8s bien: 'quoted' \"twice\"")


def _intent(request):
    return MoveIntended(clock(), make_statement(request, Judgement(Verdict.APPROVED), clock().isoformat(), TERMS))


def _done(intent):
    return MoveDone(clock(), FakeSigner().sign(canonical_json(intent.statement)).to_json())


def _numbered(ledger, most, **wanted):
    """Follow the pages; return the ids, page by page."""
    after, pages = 0, []
    while after is not None:
        page = ledger.page(after, most, Listing(**wanted))
        pages.append([history.request.request_id for history in page.histories])
        after = page.after
    return pages


def test_pages_show_each_request_once_oldest_first(ledger):
    requests = _requests(5)
    for request in requests:
        ledger.open(request)
    ids = [request.request_id for request in requests]

    assert _numbered(ledger, 2) == [ids[:2], ids[2:4], ids[4:]]
    assert _numbered(ledger, 5) == [ids]
    assert _numbered(ledger, 2, alias="challenger") == [[]]


def test_the_latest_come_first_where_that_is_wanted_and_are_followed_backwards(ledger):
    ids = [ledger.open(request).request.request_id for request in _requests(5)]

    assert _numbered(ledger, 2, newest=True) == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert _numbered(ledger, 5, newest=True) == [ids[::-1]]


def test_pages_of_what_has_not_ended_leave_out_the_void_and_the_promoted(ledger):
    void, promoted, open_one = (ledger.open(request) for request in _requests(3))
    ledger.append(void, Voided(clock(), ("it changed",)))
    intent = _intent(promoted.request)
    ledger.append(ledger.append(promoted, intent), _done(intent))

    assert _numbered(ledger, 1, only_unended=True) == [[open_one.request.request_id]]
    assert _numbered(ledger, 9, only_promoted=True) == [[promoted.request.request_id]]
    assert _numbered(ledger, 9, only_ended=True) == [[void.request.request_id, promoted.request.request_id]]
    assert _numbered(ledger, 1, only_ended=True, newest=True)[0] == [promoted.request.request_id]


def test_a_page_has_the_events_of_its_requests(ledger):
    (request,) = _requests()
    history = ledger.append(ledger.open(request), _yes())

    assert ledger.page(0, 10).histories == (history,)


def test_a_page_holds_one_request_however_large_it_is_and_little_more(ledger):
    large = {"evaluation": {"roc_auc": 0.76, "page": "x" * 3_000_000}}
    for request in _requests(3):
        ledger.open(replace(request, evidence=large))

    sizes = [len(page) for page in _numbered(ledger, 10)]

    assert sum(sizes) == 3
    assert sizes in ([3], [1, 1, 1])


def test_what_is_unfinished_is_found_among_the_rest(ledger):
    waiting, moving, done, published = (ledger.open(request) for request in _requests(4))
    published_intent = _intent(published.request)
    published = ledger.append(ledger.append(published, published_intent), _done(published_intent))
    ledger.append(published, Published(clock()))
    intent = _intent(done.request)
    done = ledger.append(ledger.append(done, intent), _done(intent))
    moving = ledger.append(moving, _intent(moving.request))

    assert sorted(ledger.unfinished(), key=lambda each: each.request.request_id) == sorted(
        [moving, done], key=lambda each: each.request.request_id
    )
    assert waiting not in ledger.unfinished()


def test_what_is_kept_for_an_account_is_counted(ledger):
    first, second = (ledger.open(request) for request in _requests(2))
    before = ledger.kept_for("ada")
    ledger.append(first, Voided(clock(), ("it changed",)))

    after = ledger.kept_for("ada")

    assert set(before.unended) == {first.request.request_id, second.request.request_id}
    assert after.unended == (second.request.request_id,)
    assert after.size == before.size > 1000
    assert ledger.kept_for("ben").unended == ()

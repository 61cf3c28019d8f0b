"""`Ledger` and `RequestIndex`: the same promises by the fake, by SQL, and by a keeper's socket before SQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from handrail.approvals.adapters.socket_ledger import SocketLedger
from handrail.approvals.domain.errors import MovedMeanwhile, MoveUnderWay
from handrail.approvals.domain.events import (
    Answered,
    Choice,
    Decided,
    Evaluated,
    History,
    MoveAbandoned,
    MoveDone,
    MoveIntended,
    Published,
    Voided,
)
from handrail.approvals.domain.facts import digest_of_facts, facts_of
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.permit import make_statement
from handrail.approvals.domain.subject import BoundFile
from handrail.approvals.domain.tracing import Traced
from handrail.errors import UnknownReference
from handrail.manifest import canonical_json
from tests.fakes.approvals import FakeSigner, MemoryLedger
from tests.fakes.approvals_store import DATABASES, approvals_store, logged_ledger
from tests.fakes.approvals_world import TERMS, TickingClock, World, opening
from tests.fakes.keeper import asking

clock = TickingClock()
NAMED = ("local-1", "flights", "champion")


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


def test_a_request_comes_back_as_it_was_stored(ledger):
    (request,) = _requests()

    ledger.open(request)

    assert ledger.load(request.request_id).request == request


@pytest.mark.parametrize("gaps", [(), ("s3://lake/orders has no sha256 or md5.",)])
def test_what_was_found_in_lineage_comes_back(ledger, gaps):
    (request,) = _requests()
    traced = Traced(("git://shop/c",), 2, "sha256:ends", len(gaps), gaps)
    subject = replace(request.subject, lineage=traced.bound)
    request = replace(request, subject=subject, request_id=subject.request_id(0), traced=traced)

    ledger.open(request)

    assert ledger.load(request.request_id).request == request


def test_opening_again_keeps_the_first_and_its_events(ledger):
    (request,) = _requests()
    history = ledger.append(ledger.open(request), _yes())

    again = ledger.open(replace(request, reason="another wording", requester="zoe"))

    assert again == history
    assert ledger.load(request.request_id) == history


def test_every_kind_of_event_comes_back_in_order(ledger):
    (request,) = _requests()
    history = ledger.open(request)
    intent = _intent(request)
    for event in (
        replace(_yes(), seen="sha256:5"),
        Decided(clock(), "ben", "Ben", Choice.ASK, "which slices?"),
        Answered(clock(), "ada", "Ada", 1, "all of them"),
        _intent(request),
        MoveAbandoned(clock(), ("a", "b")),
        intent,
        _done(intent),
        Published(clock()),
        Voided(clock(), ("it changed",)),
    ):
        history = ledger.append(history, event)

    assert ledger.load(request.request_id) == history


def test_an_event_after_an_older_state_is_not_stored(ledger):
    (request,) = _requests()
    old = ledger.open(request)
    newer = ledger.append(old, _yes())

    with pytest.raises(MovedMeanwhile):
        ledger.append(old, _yes("Cleo"))

    assert ledger.load(request.request_id) == newer


def test_of_many_writers_at_once_exactly_one_wins(ledger):
    (request,) = _requests()
    history = ledger.open(request)

    def write(number):
        try:
            return ledger.append(history, _yes(f"P{number}"))
        except MovedMeanwhile:
            return None

    with ThreadPoolExecutor(8) as pool:
        written = [result for result in pool.map(write, range(16)) if result]

    assert [ledger.load(request.request_id)] == written


def test_an_alias_is_moved_by_one_request_at_a_time(ledger):
    first, second = (ledger.open(request) for request in _requests(2))
    moving = ledger.append(first, _intent(first.request))

    with pytest.raises(MoveUnderWay, match=first.request.request_id):
        ledger.append(second, _intent(second.request))
    assert ledger.load(second.request.request_id) == second

    ledger.append(moving, MoveAbandoned(clock(), ("no",)))
    ledger.append(second, _intent(second.request))


def test_a_move_is_intended_once_until_it_is_done_or_abandoned(ledger):
    (request,) = _requests()
    moving = ledger.append(ledger.open(request), _intent(request))

    with pytest.raises(MovedMeanwhile):
        ledger.append(moving, _intent(request))
    assert ledger.load(request.request_id) == moving

    again = ledger.append(moving, MoveAbandoned(clock(), ("no",)))
    ledger.append(again, _intent(request))


def test_a_request_has_one_permit(ledger):
    (request,) = _requests()
    intent = _intent(request)
    done = ledger.append(ledger.append(ledger.open(request), intent), _done(intent))

    with pytest.raises(MovedMeanwhile):
        ledger.append(done, _done(_intent(request)))

    assert ledger.load(request.request_id) == done
    assert ledger.permit(*NAMED, request.subject.tree_digest) == done.done.envelope


def test_only_the_request_that_moves_an_alias_frees_it(ledger):
    first, second, third = (ledger.open(request) for request in _requests(3))
    ledger.append(first, _intent(first.request))

    ledger.append(second, MoveAbandoned(clock(), ("it never began",)))

    with pytest.raises(MoveUnderWay, match=first.request.request_id):
        ledger.append(third, _intent(third.request))


def test_moves_of_two_aliases_do_not_wait_for_one_another(ledger):
    (request,) = _requests()
    other = replace(request, request_id="pr-other", subject=replace(request.subject, alias="challenger"))
    ledger.append(ledger.open(request), _intent(request))

    assert ledger.append(ledger.open(other), _intent(other)).open_move


def test_an_event_of_a_request_that_was_never_opened_is_not_stored(ledger):
    (request,) = _requests()

    with pytest.raises(MovedMeanwhile):
        ledger.append(History(request), _yes())

    assert ledger.find() == []


def test_a_permit_is_found_once_the_move_is_done_and_the_newest_wins(ledger):
    (request,) = _requests()
    digest = request.subject.tree_digest
    history = ledger.open(request)
    intent = _intent(request)
    history = ledger.append(history, intent)
    assert ledger.permit(*NAMED, digest) is None

    ledger.append(history, _done(intent))

    other = replace(request, request_id="pr-later", turn=1)
    later = _intent(other)
    done = _done(later)
    ledger.append(ledger.append(ledger.open(other), later), done)
    assert ledger.permit(*NAMED, digest) == done.envelope
    assert ledger.permit(*NAMED, "sha256:" + "0" * 64) is None


def test_permits_of_two_aliases_for_one_tree_stand_beside_each_other(ledger):
    (request,) = _requests()
    shadow = replace(request, request_id="pr-shadow", subject=replace(request.subject, alias="shadow"))
    envelopes = []
    for asked in (request, shadow):
        intent = _intent(asked)
        done = _done(intent)
        ledger.append(ledger.append(ledger.open(asked), intent), done)
        envelopes.append(done.envelope)

    digest = request.subject.tree_digest
    assert [ledger.permit(*NAMED[:2], alias, digest) for alias in ("champion", "shadow")] == envelopes
    assert [ledger.permit(*NAMED[:2], alias) for alias in ("champion", "shadow")] == envelopes
    assert ledger.permit("local-2", "flights", "shadow") is None
    assert ledger.permit("local-1", "toy", "shadow", digest) is None


def test_requests_are_found_by_alias_and_subject_oldest_first(ledger):
    requests = _requests(3)
    for request in requests:
        ledger.open(request)

    assert [history.request for history in ledger.find()] == requests
    assert [history.request for history in ledger.find(alias="champion")] == requests
    assert ledger.find(alias="other") == []
    assert [history.request for history in ledger.find(subject_key=requests[1].subject.key)] == [requests[1]]


def test_an_unknown_request_is_named(ledger):
    with pytest.raises(UnknownReference, match="pr-unknown"):
        ledger.load("pr-unknown")


def _rejection(request):
    return Decided(clock(), "cleo", "Cleo", Choice.REJECT, "no")


def test_rejections_are_found_by_tree_oldest_first_and_approvals_are_not(ledger):
    first, second = _requests(2)
    for request in (second, first):
        ledger.append(ledger.append(ledger.open(request), _yes()), _rejection(request))
    trees = [request.subject.tree_digest for request in (first, second)]

    found = ledger.rejections(trees)

    assert [(one.request_id, one.tree_digest) for one in found] == [
        (second.request_id, trees[1]),
        (first.request_id, trees[0]),
    ]
    assert [(one.person, one.reason) for one in ledger.rejections(trees[:1])] == [("Cleo", "no")]
    assert ledger.rejections([]) == ledger.rejections(["sha256:0"]) == []
    assert len(ledger.rejections([f"sha256:{number}" for number in range(2000)] + trees)) == 2


def test_an_evaluation_and_bound_files_come_back_as_they_were_stored(ledger):
    (request,) = _requests()
    bound = {"parity": BoundFile("run-1", "reports/parity.json", "a" * 64, ("ada", "ben"))}
    snapshot = "sha256:" + "1" * 64
    request = replace(request, bound=bound, subject=replace(request.subject, snapshot=snapshot))
    cases = {"rows": 9, "groups": [{"label": "from \u202eEWR", "delta": -0.0123456789, "value": None, "worse": True}]}
    measures, isolation = {"evaluation": {"roc_auc": 0.76}}, {"network": "none"}
    evaluated = Evaluated(clock(), snapshot, None, measures, ("ada",), "sha256:2", "b" * 64, isolation, cases=cases)

    history = ledger.append(ledger.open(request), evaluated)

    stored = ledger.load(request.request_id)
    assert stored == history == History(request, (evaluated,))
    assert digest_of_facts(facts_of(stored, (), ())) == digest_of_facts(facts_of(history, (), ()))

"""`RequestIndex`: what is known of promotions, by the fake and by SQL."""

from dataclasses import replace
from datetime import datetime

from handrail.approvals.domain.events import Revoked
from handrail.approvals.domain.holding import Promotion
from handrail.approvals.domain.standing import Promoted
from tests.contracts.test_approvals_ledger import _done, _intent, _requests, clock, ledger  # noqa: F401 - a fixture
from tests.fakes.approvals_world import TERMS


def test_the_newest_promotion_of_each_alias_is_known(ledger):  # noqa: F811 - the fixture
    requests = _requests(3)
    for request in (requests[0], requests[2], requests[1]):
        history = ledger.open(request)
        intent = _intent(request)
        history = ledger.append(history, intent)
        ledger.append(history, _done(intent))

    assert list(ledger.promoted()) == [Promoted("flights", 1, "champion", 2, requests[1].request_id)]


def test_what_became_of_each_promotion_is_known(ledger):  # noqa: F811 - the fixture
    requests = _requests(2)
    requests.append(replace(requests[0], request_id="pr-shadow", subject=replace(requests[0].subject, alias="shadow")))
    moves, histories = [], []
    for request in requests:
        intent = _intent(request)
        moves.append(intent)
        histories.append(ledger.append(ledger.append(ledger.open(request), intent), _done(intent)))
    first, second, shadow = requests
    ledger.append(histories[0], Revoked(clock(), "ben", "Ben", "leaks"))

    found = {row.promoted.request_id: row for row in ledger.promotions()}

    assert list(found) == [request.request_id for request in requests]
    assert found[first.request_id] == Promotion(
        Promoted("flights", 1, "champion", 1, first.request_id),
        f"{first.request_id}-1",
        datetime.fromisoformat(moves[1].statement["predicate"]["issued"]),
        TERMS.expires,
        is_revoked=True,
    )
    assert found[second.request_id].superseded_at is None
    assert not found[second.request_id].is_revoked
    assert found[shadow.request_id].promoted.alias == "shadow"
    assert found[shadow.request_id].superseded_at is None

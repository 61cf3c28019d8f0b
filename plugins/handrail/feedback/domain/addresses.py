"""Which prediction an outcome is about that names what the business knows, not the id of a prediction.

A business key is a subject, if need be with a service and a window of time. What it matches is decided when the log is
read, by one rule over everything that is there: outcomes and predictions may come in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from handrail.feedback.domain.material import EventRow
from handrail.feedback.domain.values import Feedback, microseconds

Matching = Literal["latest", "all", "refuse"]
"""What an outcome is about whose key fits several predictions: the latest one made before the outcome occurred, each of
them, or none."""

MATCHINGS: tuple[Matching, ...] = ("latest", "all", "refuse")

Rival = tuple[str, str, int, str]
"""(prediction_id, subject, made_at, deployment): a prediction that a key may mean; microseconds since 1970 UTC."""


class Address(NamedTuple):
    """A business key as an event states it: predictions of `service` about `subject`, made in [since, until).

    `service` is a part of the deployment's name, empty for any. Moments are microseconds since 1970 UTC; None leaves
    that end open.
    """

    subject: str
    service: str
    since: int | None
    until: int | None
    occurred_at: int

    def fits(self, rival: Rival) -> bool:
        """Whether the key means that prediction, if it were the only one; one made after the outcome never."""
        _, subject, made_at, deployment = rival
        return (
            subject == self.subject
            and made_at <= self.occurred_at
            and (not self.service or self.service == service_of(deployment))
            and (self.since is None or made_at >= self.since)
            and (self.until is None or made_at < self.until)
        )


def address_of(event: Feedback) -> Address:
    """Return the business key that an event names."""
    since, until = (None if each is None else microseconds(each) for each in (event.since, event.until))
    return Address(event.subject, event.service, since, until, microseconds(event.occurred_at))


class AddressedRow(NamedTuple):
    """An event that names a business key, as it is read back."""

    address: Address
    revision: int
    event_id: str
    value: float | None
    item: str

    def about(self, prediction_id: str) -> EventRow:
        """Return the event as one about that prediction."""
        return (prediction_id, self.revision, self.address.occurred_at, self.event_id, self.value, self.item)


def service_of(deployment: str) -> str:
    """Return the service in a deployment's name, `deploy://<environment>/<service>/<id>`; empty in another name."""
    parts = deployment.split("/")
    return parts[3] if deployment.startswith("deploy://") and len(parts) >= 5 else ""  # noqa: PLR2004 - as the form says


def matches(address: Address, rivals: Iterable[Rival], matching: Matching) -> list[str]:
    """Return the ids of the predictions that an outcome is about, none if there is none or the rule refuses."""
    fitting = sorted((rival[2], rival[0]) for rival in rivals if address.fits(rival))
    if matching == "refuse" and len(fitting) > 1:
        return []
    return [name for _, name in (fitting if matching == "all" else fitting[-1:])]


def resolve(
    addressed: Iterable[AddressedRow], rivals: Iterable[Rival], matching: Matching
) -> Iterator[tuple[str, AddressedRow]]:
    """Yield each event with each prediction that it is about, in no order; both may be given in any order."""
    about: dict[str, list[Rival]] = defaultdict(list)
    for rival in rivals:
        about[rival[1]].append(rival)
    for row in addressed:
        for prediction_id in matches(row.address, about.get(row.address.subject, ()), matching):
            yield prediction_id, row

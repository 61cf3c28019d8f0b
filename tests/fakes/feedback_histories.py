"""Random histories of predictions and feedback: late, twice, corrected, withdrawn, early, by business key, skewed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from handrail.feedback.domain.values import Feedback, Prediction
from tests.fakes.feedback import GO_LIVE, a_prediction

HOUR = timedelta(hours=1)
DEPLOYMENTS = ("deploy://local/flights/1", "deploy://local/flights/2", "deploy://local/shop/1", "a name without parts")


def a_history(chance: Random, predictions: int = 40, events: int = 80) -> list[Prediction | Feedback]:
    """Return what is sent, in the order in which it arrives."""
    made = [_prediction(chance, number) for number in range(predictions)]
    said = [_event(chance, made, number) for number in range(events)]
    again = [
        replace(each, received_at=each.received_at + chance.randint(-60, 60) * HOUR)
        for each in chance.sample(said, events // 4)
    ]
    sent: list[Prediction | Feedback] = [*made, *said, *again, *chance.sample(made, predictions // 4)]
    chance.shuffle(sent)
    return sent


def _prediction(chance: Random, number: int) -> Prediction:
    variant = chance.choice(("", "a", "b"))
    return a_prediction(
        0,
        prediction_id=f"p{number}-{chance.choice('äz')}",
        deployment=chance.choice(DEPLOYMENTS),
        subject=f"order-{chance.randrange(12)}",
        # Some at the same moment, some just before midnight.
        made_at=GO_LIVE + chance.choice((0, 1, 19.999999999, 20, 30, 44, 70, 100)) * HOUR,
        score=chance.choice((0.0, 0.1 + 0.2, 1e-300, chance.random())),
        latency_ms=chance.choice((None, 2.5)),
        variant=variant,
        propensity=0.5 if variant else None,
        sampled=chance.choice((None, 0.25)),
    )


def _event(chance: Random, made: list[Prediction], number: int) -> Feedback:
    occurred = GO_LIVE + chance.choice((-48, 0, 5, 20, 20, 48, 90, 150)) * HOUR
    value = chance.choice((None, 0.0, 1.0, 0.1, 0.2, 0.7, 1e16, -1e16))
    about = _key(chance) if chance.random() < 0.4 else {"prediction_id": _named(chance, made)}
    usual = {
        "kind": chance.choice(("ground_truth", "ground_truth", "revenue")),
        "value": value,
        "retracts": value is None,
        "source": "shop",
        "revision": chance.choice((0, 0, 0, 1, 2)),
        "occurred_at": occurred,
        "received_at": occurred + chance.choice((-48, 0, 1, 40)) * HOUR,
        "item": chance.choice(("", "", "a", "b", "c", "d")),
        "event_id": chance.choice((None, f"event-{number}")),
    }
    return Feedback(**{"prediction_id": ""} | usual | about)


def _named(chance: Random, made: list[Prediction]) -> str:
    return "nobody-knows" if chance.random() < 0.1 else chance.choice(made).prediction_id


def _key(chance: Random) -> dict[str, object]:
    key: dict[str, object] = {"subject": f"order-{chance.randrange(12)}"}
    if chance.random() < 0.4:
        key["service"] = chance.choice(("flights", "shop", "none"))
    if chance.random() < 0.3:
        key["since"] = GO_LIVE + chance.choice((0, 20)) * HOUR
    if chance.random() < 0.3:
        key["until"] = GO_LIVE + chance.choice((44, 70)) * HOUR
    return key

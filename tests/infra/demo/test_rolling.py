"""What the demo shows of a rollout follows from the recorded changes alone."""

from datetime import UTC, datetime

from handrail.delivery import Challenger, Change, Role, Slot, Split
from infra.demo.rolling import shares_of

AT = datetime(2026, 11, 30, tzinfo=UTC)
SLOT = Slot("local", "flights")


def change(number, *beside):
    challengers = tuple(
        Challenger(name, role, share, "v", "sha256:aa", "canary", f"deploy://local/flights/{name}")
        for name, role, share in beside
    )
    return Change(number, Split(SLOT, "flights", challengers), AT, "ada", "why")


def test_the_way_of_a_challenger_is_shown_by_role_and_share_without_those_of_others():
    other = ("v2", Role.SHADOW, 0.25)
    changes = [
        change(1, ("v3", Role.SHADOW, 0.25)),
        change(2, ("v3", Role.SHADOW, 0.25), other),
        change(3, ("v3", Role.SHADOW, 0.25)),
        change(4),
        *(change(5 + number, ("v3", Role.CANARY, share)) for number, share in enumerate((0.05, 0.5, 1.0))),
        change(8),
    ]

    assert shares_of(changes[::-1], "v3") == ["shadow 25%", "canary 5%", "50%", "100%"]
    assert shares_of(changes[::-1], "v2") == ["shadow 25%"]
    assert shares_of([], "v3") == []

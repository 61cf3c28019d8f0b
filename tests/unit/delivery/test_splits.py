"""Who answers about which subject: a share that grows only adds, and nobody changes sides for another's sake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.delivery import CHAMPION, Challenger, Role, Slot, Split
from handrail.errors import InvalidInput, UnknownReference

SLOT = Slot("local", "flights")
SUBJECTS = [f"s{number}" for number in range(2_000)]


def challenger(name: str, role: Role = Role.CANARY, share: float = 0.1) -> Challenger:
    return Challenger(
        name, role, share, f"models:/flights/{name}", "sha256:1", "canary", f"deploy://local/flights/{name}"
    )


def split(*challengers: Challenger) -> Split:
    found = Split(SLOT, "flights")
    for each in challengers:
        found = found.having(each)
    return found


def answered_by(of: Split, name: str) -> set[str]:
    return {subject for subject in SUBJECTS if of.assigned(subject).name == name}


def test_without_a_challenger_the_champion_answers_all() -> None:
    assert answered_by(split(), CHAMPION) == set(SUBJECTS)
    assert split().assigned("s1").propensity == 1.0


@given(small=st.floats(0.01, 0.5), large=st.floats(0.01, 0.5), other=st.floats(0.01, 0.5))
def test_a_share_that_grows_takes_from_the_champion_alone(small: float, large: float, other: float) -> None:
    small, large = sorted((small, large))
    before = split(challenger("a", share=small), challenger("b", share=other))

    after = before.sharing("a", large)

    assert answered_by(before, "a") <= answered_by(after, "a")
    assert answered_by(before, "b") == answered_by(after, "b")


def test_shares_are_kept_and_the_propensity_is_the_share() -> None:
    found = split(challenger("a", share=0.1), challenger("b", Role.VARIANT, 0.3))

    sizes = {name: len(answered_by(found, name)) / len(SUBJECTS) for name in found.shares()}

    assert sizes == pytest.approx({CHAMPION: 0.6, "a": 0.1, "b": 0.3}, abs=0.03)
    assert {found.assigned(subject).propensity for subject in answered_by(found, "b")} == {0.3}


def test_whoever_stays_keeps_its_subjects_when_another_ends_and_the_next_one_takes_the_free_end() -> None:
    both = split(challenger("a", share=0.2), challenger("b", share=0.3))

    alone = both.without("a")

    assert answered_by(alone, "b") == answered_by(both, "b")
    assert answered_by(alone.having(challenger("c", share=0.2)), "c") == answered_by(both, "a")
    assert answered_by(alone.having(challenger("c", share=0.7)), CHAMPION) == set()


def test_a_shadow_takes_nobody_from_anybody_and_is_drawn_independently() -> None:
    found = split(challenger("a", share=0.5), challenger("dark", Role.SHADOW, 0.5))

    in_shadow = {subject for subject in SUBJECTS if [each.name for each in found.in_shadow(subject)] == ["dark"]}

    assert answered_by(found, "a") == answered_by(split(challenger("a", share=0.5)), "a")
    assert len(in_shadow) / len(SUBJECTS) == pytest.approx(0.5, abs=0.05)
    assert len(in_shadow & answered_by(found, "a")) / len(SUBJECTS) == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan"), float("inf")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="is no share"):
        challenger("a", share=share)


@pytest.mark.parametrize("name", ["", "champion", "fallback", "A", "a b", "x" * 41, "ä"])
def test_what_names_no_challenger_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="names no challenger"):
        challenger(name)


def test_what_does_not_fit_beside_the_others_is_refused() -> None:
    found = split(challenger("a", share=0.6))

    with pytest.raises(InvalidInput, match=r"would answer 1\.1 of all subjects"):
        found.having(challenger("b", share=0.5))
    with pytest.raises(InvalidInput, match="'a' is taken"):
        found.having(challenger("a", share=0.1))
    with pytest.raises(InvalidInput, match="3 challengers would be served"):
        found.having(challenger("b")).having(challenger("c"))
    with pytest.raises(InvalidInput, match="3 challengers would be in shadow"):
        split(*(challenger(name, Role.SHADOW) for name in "abc"))
    with pytest.raises(UnknownReference, match="There are: a"):
        found.sharing("b", 0.1)
    with pytest.raises(InvalidInput, match="salt"):
        Split(SLOT, "")

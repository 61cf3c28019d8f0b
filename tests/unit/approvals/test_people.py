import pytest

from handrail.approvals.domain.people import Directory, Person, folded
from tests.fakes.approvals import PEOPLE


def test_power_needs_the_exact_account():
    directory = Directory(PEOPLE)

    assert directory.person_behind("ben").name == "Ben"
    assert directory.person_behind("Ben") is None
    assert directory.person_behind("ben\u200b") is None


@pytest.mark.parametrize("variant", ["BEN", "Ben", " ben", "ｂｅｎ"])
def test_denial_sees_through_spelling(variant):
    person = Person("Ben", frozenset({"ben"}), frozenset())

    assert person.shares_account_with(["zoe", variant])


def test_other_accounts_are_not_shared():
    assert not Person("Ben", frozenset({"ben"}), frozenset()).shares_account_with(["benny", ""])


def test_composed_and_decomposed_letters_are_one():
    assert folded("re\u0301mi") == folded("R\u00c9MI")

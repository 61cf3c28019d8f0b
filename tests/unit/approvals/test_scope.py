import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.scope import Scope
from tests.fakes.effort import TIMES

PATTERNS = st.text("ab*?", min_size=1, max_size=6)
NAMES = st.text("ab", min_size=0, max_size=6)
CHAMPION = Scope(("champion",))


def _regex(pattern):
    """The same pattern in another language, to compare with."""
    return "".join({"*": ".*", "?": "."}.get(each) or re.escape(each) for each in pattern)


@pytest.mark.parametrize("alias", ["champion", "Champion", "CHAMPION", " champion", "ｃhampion"])
@pytest.mark.parametrize("model", ["flights", "x y", "[a]", "*", ""])
def test_without_models_it_is_about_every_model_in_any_spelling_of_the_alias(model, alias):
    assert CHAMPION.is_about(model, alias)
    assert not CHAMPION.is_about(model, "champion-2")


def test_prompts_are_left_out_unless_they_are_named():
    assert not CHAMPION.is_about("greeting", "champion", prompt=True)
    named = Scope(("champion",), models=(), prompts=("greet*",))

    assert named.is_about("Greeting", "champion", prompt=True)
    assert not named.is_about("greeting", "champion")


@given(PATTERNS, NAMES)
def test_a_pattern_matches_as_a_regular_expression_does(pattern, name):
    assert Scope(("a",), (pattern,)).is_about(name, "a") == bool(re.fullmatch(_regex(pattern), name))


@pytest.mark.parametrize("name", ["a[b]", "A[B]"])
def test_a_bracket_in_a_pattern_is_a_bracket(name):
    assert Scope(("x",), ("a[b]",)).is_about(name, "x")
    assert not Scope(("x",), ("a[b]",)).is_about("ab", "x")


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (Scope(("champion",)), Scope(("champion",), ("credit-*",))),
        (Scope(("champion",), ("credit-*",)), Scope(("champion",), ("credit-us*",))),
        (Scope(("champion",), ("credit-us*",)), Scope(("champion",), ("credit-us",))),
        (Scope(("champion",), ("credit-us-and-more*", "credit-*")), Scope(("champion",), ("credit-us",))),
        (Scope(("champion",)), Scope(("*",), ("credit-*",))),
        (Scope(("*",), ("credit-*",)), Scope(("champ*",), ("credit-*",))),
        (Scope(("champ*",)), Scope(("champion",))),
        (Scope(("champion",), ("credit???",)), Scope(("champion",), ("credit-u*",))),
    ],
)
def test_the_more_exact_one_rules(less, more):
    assert less.exactness("credit-us", "champion") < more.exactness("credit-us", "champion")


@given(PATTERNS, PATTERNS, NAMES)
def test_two_patterns_that_are_equally_exact_about_a_name_are_a_tie(one, other, name):
    first, second = Scope(("a",), (one,)), Scope(("a",), (other,))
    exactness = first.exactness(name, "a")

    if exactness is not None and exactness == second.exactness(name, "a"):
        assert list(first.ties(second)) == [(f"{one}@a", f"{other}@a")]


@given(PATTERNS, PATTERNS)
def test_a_tie_has_a_name_that_both_match(one, other):
    ties = list(Scope(("a",), (one,)).ties(Scope(("a",), (other,))))

    if ties:
        assert any(re.fullmatch(_regex(one), name) and re.fullmatch(_regex(other), name) for name in _names(9))


def _names(longest):
    level = [""]
    for _ in range(longest + 1):
        yield from level
        level = [name + each for name in level for each in "ab"]


@pytest.mark.parametrize(
    ("one", "other", "ties"),
    [
        (CHAMPION, Scope(("Champion",)), ["*@champion"]),
        (CHAMPION, Scope(("shadow",)), []),
        (CHAMPION, Scope(("champion",), ("credit-*",)), []),
        (Scope(("c",), ("a-*",)), Scope(("c",), ("*-b",)), ["a-*@c"]),
        (Scope(("c",), ("a-*",)), Scope(("c",), ("b-*",)), []),
        (Scope(("c",), ("ab", "cd")), Scope(("c", "d"), ("cd",)), ["cd@c"]),
        (Scope(("c",), (), ("p",)), Scope(("c",), ("p",)), []),
        (Scope(("c",), (), ("p",)), Scope(("c",), (), ("P",)), ["p@c"]),
    ],
)
def test_ties_are_named_by_their_patterns(one, other, ties):
    assert [first for first, _ in one.ties(other)] == ties


def test_the_policy_that_rules_agrees_with_a_naive_choice():
    names = ("a", "ab", "abc", "b", "bc")
    patterns = (*names, "*", "a*", "*b*", "?b", "a?c", "*c", "ab*", "*a")
    for seed in range(300 * TIMES):
        rng = random.Random(seed)
        scopes = [
            Scope(*(tuple(rng.sample(patterns, rng.randint(1, 2))) for _ in range(3))) for _ in range(rng.randint(1, 4))
        ]
        model, alias, prompt = rng.choice(names), rng.choice(names), rng.random() < 0.3
        found = {n: scope.exactness(model, alias, prompt=prompt) for n, scope in enumerate(scopes)}

        ranked = {n: _naive_rank(scope, model, alias, prompt) for n, scope in enumerate(scopes)}

        assert {n for n, exactness in found.items() if exactness} == {n for n, rank in ranked.items() if rank}, seed
        first = [n for n, rank in ranked.items() if rank and rank == max(filter(None, ranked.values()))]
        best = max(filter(None, found.values()), default=None)
        assert [n for n, exactness in found.items() if exactness and exactness == best] == first, seed


def _naive_rank(scope, model, alias, prompt):
    """Return how exactly a scope says two names, as two numbers; a name itself goes before all patterns."""
    ranks = []
    for patterns, name in ((scope.prompts if prompt else scope.models, model), (scope.aliases, alias)):
        fitting = [each for each in patterns if _fits(each, name)]
        if not fitting:
            return None
        ranks.append(max(100 if each == name else len(each.replace("*", "").replace("?", "")) for each in fitting))
    return tuple(ranks)


def _fits(pattern, name):
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(_fits(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and _fits(pattern[1:], name[1:])

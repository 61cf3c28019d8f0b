"""A hook is answered with yes only by verdict and permit together, whatever else is known."""

from hypothesis import given
from hypothesis import strategies as st

from handrail.delivery import End, Go, Hook, Role, Standing, confirm

ALIASES = ("shadow", "canary", "champion")
ANSWERS = ("better", "no_difference", "worse", "inconclusive", "blocked")
standings = st.builds(
    Standing,
    name=st.just("v2"),
    champion=st.just("champion"),
    permitted=st.frozensets(st.sampled_from(ALIASES)),
    verdicts=st.dictionaries(st.sampled_from(list(Role)), st.sampled_from(ANSWERS)),
    role=st.none() | st.sampled_from(list(Role)),
    share=st.none() | st.floats(0.01, 1),
    ended=st.none() | st.sampled_from(list(End)),
    reason=st.just("why"),
)


@given(standings, st.sampled_from([Hook.ROLLOUT, Hook.INCREASE, Hook.PROMOTION]))
def test_yes_needs_a_permit_for_that_use_and_nothing_that_speaks_against_it(known, hook):
    found = confirm(hook, known)

    if found.go is Go.YES:
        wanted = {"champion"} if hook is Hook.PROMOTION else {"canary", "champion"}
        assert known.permitted & wanted
        assert "worse" not in known.verdicts.values()
        assert known.ended not in (End.ROLLED_BACK, End.ERRORED)
        assert known.verdicts.keys() or known.share == 1


@given(standings)
def test_a_rollback_and_a_yes_never_meet(known):
    back = confirm(Hook.ROLLBACK, known).go
    others = {confirm(hook, known).go for hook in Hook if hook is not Hook.ROLLBACK}

    assert back in (Go.YES, Go.NO)
    assert back is Go.NO or others == {Go.NO}


@given(standings, st.sampled_from(list(Hook)))
def test_each_answer_is_a_sentence(known, hook):
    sentence = confirm(hook, known).sentence

    assert "v2" in sentence
    assert sentence.endswith((".", "why"))

"""A question stops the clock and holds the alias until it is answered, or until who asked decides."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.errors import Closed, NotAsShown, NotEligible
from handrail.approvals.domain.events import Answered, Choice, Decided, History
from handrail.approvals.domain.judging import Verdict
from handrail.approvals.domain.people import Person
from handrail.approvals.domain.questions import open_questions, questions_of, waited
from handrail.errors import InvalidInput, UnknownReference
from tests.fakes.approvals import PEOPLE
from tests.fakes.approvals_world import World, opening

ZED = Person("Zed", frozenset({"zed"}), frozenset({"ml-engineer"}))


@pytest.fixture
def world():
    world = World()
    world.rules.persons = (*PEOPLE, ZED)
    return world


def _ask(world, request_id, account, question="which slices?"):
    return world.gate.decide(request_id, account, Choice.ASK, question)


def test_whoever_asks_has_not_approved_until_they_decide(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    _ask(world, request_id, "ben")
    world.gate.questions.answer(request_id, "ada", "all of them")

    assert world.say(request_id, "cleo") is Verdict.PENDING
    assert world.champion() is None
    assert world.say(request_id, "ben") is Verdict.PROMOTED


def test_an_open_question_holds_the_alias_though_others_meet_the_quorum(world):
    request_id = world.ask()
    _ask(world, request_id, "zed")
    world.say(request_id, "ben")

    view = world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine")

    assert view.judgement.verdict is Verdict.PENDING
    assert view.judgement.reasons == ("It waits for an answer to Zed: 'which slices?'",)
    assert world.champion() is None


def test_approvals_before_the_answer_stay_and_the_next_decision_moves(world):
    request_id = world.ask()
    _ask(world, request_id, "zed")
    world.say(request_id, "ben")
    world.say(request_id, "cleo")

    view = world.gate.questions.answer(request_id, "ada", "all of them")

    assert view.judgement.verdict is Verdict.APPROVED
    assert world.champion() is None
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_who_asked_may_decide_without_an_answer(world):
    request_id = world.ask()
    _ask(world, request_id, "ben")

    assert world.say(request_id, "ben") is Verdict.PENDING
    assert world.say(request_id, "cleo") is Verdict.PROMOTED


def test_who_decides_in_a_later_step_may_ask_before_it_begins(world):
    world.change_rules(quorum={"ml-engineer": 1}, later=({"business-stakeholder": 1},))

    assert open_questions(_ask(world, world.ask(), "cleo").history)


@pytest.mark.parametrize("account", ["ada", "root"])
def test_nobody_asks_who_may_not_decide(world, account):
    with pytest.raises(NotEligible):
        _ask(world, world.ask(), account)


@pytest.mark.parametrize("account", ["ben", "cleo", "ADA", "root"])
def test_only_those_who_ask_for_the_promotion_or_made_it_answer(world, account):
    request_id = world.ask()
    _ask(world, request_id, "zed")

    with pytest.raises(NotEligible, match="neither asks for the promotion nor made"):
        world.gate.questions.answer(request_id, account, "yes")


def test_whoever_asked_for_the_promotion_answers_though_another_made_it(world):
    request_id = world.gate.open_request(opening(), "zed").history.request.request_id
    _ask(world, request_id, "cleo")

    assert not open_questions(world.gate.questions.answer(request_id, "zed", "yes").history)


def test_repeating_a_question_or_an_answer_changes_nothing(world):
    request_id = world.ask()
    _ask(world, request_id, "ben")
    _ask(world, request_id, "ben")
    world.gate.questions.answer(request_id, "ada", "all of them")
    world.gate.questions.answer(request_id, "ada", "all of them")

    assert len(world.ledger.load(request_id).events) == 2


def test_a_second_question_of_the_same_person_is_another(world):
    request_id = world.ask()
    _ask(world, request_id, "ben")
    _ask(world, request_id, "ben", "and when?")

    with pytest.raises(InvalidInput, match="the questions 1, 2 are open"):
        world.gate.questions.answer(request_id, "ada", "all")
    world.gate.questions.answer(request_id, "ada", "in July", 2)
    assert [question.is_open for question in questions_of(world.ledger.load(request_id))] == [True, False]


def test_an_ended_question_takes_no_answer(world):
    request_id = world.ask()
    with pytest.raises(UnknownReference, match="Nobody has asked"):
        world.gate.questions.answer(request_id, "ada", "yes")
    _ask(world, request_id, "ben")
    world.say(request_id, "ben")

    with pytest.raises(Closed, match="Ben has decided since"):
        world.gate.questions.answer(request_id, "ada", "yes")
    with pytest.raises(UnknownReference, match="no question named '7'"):
        world.gate.questions.answer(request_id, "ada", "yes", 7)


def test_a_rejected_request_takes_no_answer(world):
    request_id = world.ask()
    _ask(world, request_id, "ben")
    world.gate.decide(request_id, "cleo", Choice.REJECT, "no")

    with pytest.raises(Closed, match="rejected"):
        world.gate.questions.answer(request_id, "ada", "yes")


def test_a_question_after_the_look_is_said_to_who_decides(world):
    request_id = world.ask()
    seen = world.gate.request(request_id).seen
    _ask(world, request_id, "zed")
    world.gate.questions.answer(request_id, "ada", "all of them")

    with pytest.raises(NotAsShown) as caught:
        world.gate.decide(request_id, "cleo", Choice.APPROVE, "fine", seen=seen)

    assert caught.value.changes == ("Zed asked: 'which slices?'.", "Ada answered Zed: 'all of them'.")


def test_the_view_has_question_and_answer(world):
    request_id = world.ask()
    _ask(world, request_id, "ben")
    world.gate.questions.answer(request_id, "ada", "all of them")

    (row,) = world.gate.request(request_id).to_json()["questions"]

    assert (row["number"], row["person"], row["question"], row["open"]) == (1, "Ben", "which slices?", False)
    assert (row["answer"], row["answered_by"]) == ("all of them", "Ada")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6), st.integers(0, 60))
def test_the_clock_stands_exactly_while_some_question_is_open(spans, until):
    request = World().gate.open_request(opening(), "ada").history.request
    moments, second = request.opened_at, timedelta(seconds=1)
    spans = sorted((min(span), max(span)) for span in spans)
    happened = [
        (begin, Decided(moments + begin * second, "ben", "Ben", Choice.ASK, f"q{place}"))
        for place, (begin, _) in enumerate(spans)
    ]
    happened += [
        (end, Answered(moments + end * second, "ada", "Ada", place, "yes")) for place, (_, end) in enumerate(spans, 1)
    ]
    events = [event for _, event in sorted(happened, key=lambda one: one[0])]

    stopped = {at for begin, end in spans for at in range(begin, min(end, until))}

    assert waited(History(request, tuple(events)), moments + until * second) == (until - len(stopped)) * second

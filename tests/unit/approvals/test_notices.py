import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.approvals.domain.events import Choice, Evaluated, Revoked
from handrail.approvals.domain.judging import Judgement, Verdict
from handrail.approvals.domain.notices import (
    LONGEST_DESCRIPTION,
    as_text,
    keeping_blocks,
    notice_of,
    with_block,
    without_blocks,
)
from handrail.approvals.service.notices import Due, NotedLedger, NoticeReader, Notices
from handrail.errors import Unavailable, UnknownReference
from tests.fakes.approvals import EVIDENCE
from tests.fakes.approvals_notices import MemoryBoard
from tests.fakes.approvals_world import World

NASTY = "](javascript:alert(1)) <img src=x onerror=alert(1)> `a` **b** <!-- /handrail --> \u202eevil"


class Noted(World):
    """A world whose ledger remembers, and a board on which everything due is written when asked."""

    def __init__(self):
        self.due, self.board = Due(), MemoryBoard()
        super().__init__()

    def __post_init__(self):
        self.stored = self.ledger
        self.ledger = NotedLedger(self.ledger, self.due)
        # What finds requests is the same store behind it.
        for name in ("find", "promoted", "promotions", "page", "unfinished", "kept_for", "rejections", "permit"):
            setattr(self.ledger, name, getattr(self.stored, name))
        super().__post_init__()
        reader = NoticeReader(self.gate.request, self.registry.incumbent)
        self.notices = Notices(self.due, reader, self.stored, self.board)

    def write(self):
        while self.due.woken.is_set():
            self.notices.write()

    def tag(self, name, version=1):
        return self.board.tags["flights", version][f"approval.champion.{name}"]


@pytest.fixture
def world():
    return Noted()


def test_a_request_is_written_on_its_version_with_what_it_waits_for(world):
    request_id = world.ask()

    world.write()

    text = world.board.descriptions["flights", 1]
    assert (world.tag("status"), world.tag("request")) == ("pending", request_id)
    assert f"[request](/handrail/requests/{request_id})" in text
    assert "Waits for decisions" in text
    assert "still needs the approval of 1 ml-engineer" in html.unescape(text)
    assert world.board.timelines["flights"]["champion"] == "/handrail/timeline/flights/champion"


def test_a_decision_names_who_and_when(world):
    request_id = world.ask()
    world.say(request_id, "ben")

    world.write()

    assert world.tag("decided_by") == "Ben"
    assert re.search(r"Ben approved on 2026-01-01 00:00 UTC", html.unescape(world.board.descriptions["flights", 1]))


def test_a_promotion_is_written_on_its_version_and_on_the_one_that_it_replaces(world):
    world.promote(1)
    world.write()
    assert world.tag("status") == "in-use"
    world.register(2)

    world.promote(2)
    world.write()

    assert (world.tag("status", 1), world.tag("status", 2)) == ("replaced", "in-use")
    assert "points at version 2 now" in html.unescape(world.board.descriptions["flights", 1])


def test_an_open_request_is_void_on_its_version_once_another_was_promoted(world):
    world.register(2)
    world.ask(version="2")
    world.write()

    world.promote(1)
    world.write()

    assert world.tag("status", 2) == "void"


@pytest.mark.parametrize(("choice", "status"), [(Choice.REJECT, "rejected"), (Choice.ASK, "pending")])
def test_other_answers_are_written_too(world, choice, status):
    request_id = world.ask()
    world.say(request_id, "ben", choice)

    world.write()

    assert world.tag("status") == status
    assert "looked at it" in html.unescape(world.board.descriptions["flights", 1])


def test_a_board_that_refuses_fails_no_decision_and_is_written_later(world, caplog):
    world.board.fail = Unavailable("MLflow", "its database is locked", "Wait.")

    world.promote(1)
    world.register(2)
    world.ask(version="2")
    world.write()
    world.notices.retry()
    world.write()
    world.board.fail = None
    assert world.champion() == 1
    assert world.board.tags == {}
    world.notices.retry()
    world.write()

    assert (world.tag("status", 1), world.tag("status", 2)) == ("in-use", "refused")
    assert caplog.text.count("its database is locked") == 2


def test_a_version_that_is_gone_is_not_tried_again(world):
    world.ask()
    world.board.fail = UnknownReference("model version", "flights/1", "Register it.")
    world.write()
    world.board.fail = None

    world.notices.retry()
    world.write()

    assert len(world.board.puts) == 1


def test_a_start_writes_what_an_earlier_process_did_not(world):
    world.ask()
    world.due.take()

    world.notices.begin()
    world.write()

    assert world.tag("status") == "pending"


def test_an_older_request_never_takes_the_place_of_a_newer(world):
    first = world.ask()
    world.say(first, "ben", Choice.REJECT)
    second = world.ask(evidence=EVIDENCE | {"evaluation": {"roc_auc": 0.77}})
    world.write()

    world.due.add([first])
    world.write()

    assert world.tag("request") == second


def test_what_the_gate_measured_is_beside_what_the_alias_pointed_at(world):
    world.promote(1)
    world.register(2)
    history = world.ledger.load(world.ask(version="2"))
    compared = {"metric": "average_precision", "champion_value": 0.4, "challenger_value": 0.42, "delta": 0.02}
    compared |= {"ci_low": -0.001, "ci_high": 0.041, "n": 28220, "clusters": 31, "margin": 0.0}
    measures = {"evaluation": {"rows": 28220}, "comparison": compared}

    notice = notice_of(
        history.then(Evaluated(world.clock(), "sha256:1", measures=measures)), Judgement(Verdict.PENDING), 1
    )

    assert "on the same 28,220 labelled rows as version 1" in notice.text
    assert "0.4200 against 0.4000, better by 0.0200 (the gain lies between -0.0010 and +0.0410)" in notice.text


def test_a_permit_that_was_taken_back_says_so(world):
    history = world.ledger.load(world.promote(1))
    history = history.then(Revoked(world.clock(), "ben", "Ben", "leaks the label"))

    notice = notice_of(history, Judgement(Verdict.PROMOTED), 1)

    assert notice.tags["approval.champion.status"] == "revoked"
    assert "leaks the label" in html.unescape(notice.text)


def test_text_of_people_is_no_markdown(world):
    history = world.ledger.load(world.ask())
    request = replace(history.request, reason=NASTY, requester=NASTY)
    request = replace(request, subject=replace(request.subject, model=NASTY))

    notice = notice_of(replace(history, request=request), Judgement(Verdict.PENDING, (NASTY,)), None)

    links = re.findall(r"\]\(([^)]*)\)", notice.text)
    assert all(link.startswith("/handrail/") for link in links)
    assert len(links) == 2
    body = notice.text.partition("\n")[2]
    assert not re.search(r"[<>`*\[\]_|~\\]", body)
    assert "\u202e" not in notice.text


@given(st.text())
def test_people_read_what_was_written(text):
    shown = as_text(text, most=10_000)

    assert not re.search(r"[<>`*\[\]()_|~\\!:.@#\"'\n]", shown.replace("&#", "").replace("\\", ""))
    if text.isprintable():
        assert html.unescape(shown) == text


def test_what_people_wrote_stays_around_the_block():
    first = with_block("Our best.\n\nSee the run.", "champion", "one")
    second = with_block(with_block(first, "shadow", "other"), "champion", "two")

    assert "one" not in second
    assert "two" in second
    assert "other" in second
    assert without_blocks(second).strip() == "Our best.\n\nSee the run."


def test_a_person_edits_their_text_and_nobody_edits_the_block():
    present = with_block("Our best.", "champion", "rejected")
    forged = with_block("Our very best.", "champion", "promoted")

    written = keeping_blocks(forged, present)

    assert "Our very best." in written
    assert "promoted" not in written
    assert "rejected" in written
    assert keeping_blocks("", present).count("rejected") == 1
    assert keeping_blocks(forged, "plain") == "Our very best."


def test_marks_that_people_write_swallow_nothing():
    opened = with_block("<!-- handrail champion --> mine", "champion", "ours")

    again = with_block(opened, "champion", "ours again")

    assert "mine" in again
    assert again.count("ours") == 1


def test_what_does_not_fit_is_said_in_few_words_or_left_out(world):
    notice = notice_of(world.ledger.load(world.ask()), Judgement(Verdict.PENDING), None)
    room = LONGEST_DESCRIPTION - len(notice.short) - 100

    assert notice.text in notice.onto("")
    assert notice.short in notice.onto("x" * room)
    assert notice.onto("x" * LONGEST_DESCRIPTION) == "x" * LONGEST_DESCRIPTION


@given(st.text(alphabet="<!-/ handrailcmpo>x\n", max_size=60), st.text(alphabet="ab", max_size=4))
def test_writing_twice_changes_nothing(description, text):
    once = with_block(description, "champion", text)

    assert with_block(once, "champion", text) == once


def test_reading_many_marks_takes_no_time():
    many = "<!-- handrail a -->" * 100_000

    assert without_blocks(many) == many


def test_a_look_is_remembered_once(world):
    due = Due()

    due.add(["a", "b"])
    due.add(["a"], moved=True)

    assert due.take() == {"a": True, "b": False}
    assert due.take() == {}
    assert not due.woken.is_set()


def test_expiry_reaches_the_version(world):
    world.ask()
    world.clock.now += timedelta(days=31)
    world.gate.expiry.sweep()

    world.write()

    assert world.tag("status") == "void"


def test_an_answer_stays_after_whoever_asked_has_decided(world):
    world.say(request_id := world.ask(), "ben", Choice.ASK)
    world.gate.questions.answer(request_id, "ada", "all of them", 1)
    world.say(request_id, "ben")
    world.write()
    assert all(each in world.board.descriptions["flights", 1] for each in ("Ben asked", "all of them", "Ben approved"))

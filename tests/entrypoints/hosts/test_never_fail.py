"""Recording never fails what it records, and logs one sentence."""

import logging

import pytest

from handrail.entrypoints.hosts.never_fail import never_fail, on_failure
from handrail.errors import HandrailError, Unavailable


def test_a_block_that_ends_is_done_and_logs_nothing(caplog):
    with never_fail("the run 7") as attempt:
        pass

    assert (attempt.done, attempt.error, caplog.text) == (True, None, "")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Unavailable("The store", "it is locked", "Try again."), "The store: it is locked. Try again."),
        (KeyError("a\nb"), "KeyError: 'a\\nb'"),
        (ValueError("a\nb"), "ValueError: a b"),
    ],
)
def test_a_block_that_raises_is_one_sentence_in_the_log(caplog, error, sentence):
    with never_fail("the run 7") as attempt:
        raise error

    assert (attempt.done, attempt.error, attempt.sentence) == (False, error, sentence)
    assert [record.getMessage() for record in caplog.records] == [f"Lineage does not know of the run 7. {sentence}"]


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_a_process_passes(signal):
    with pytest.raises(signal), never_fail("the run 7"):
        raise signal


def test_a_mistake_of_ours_is_an_error_with_its_traceback(caplog):
    with never_fail("the run 7"):
        raise TypeError("mistake")

    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "Traceback" in caplog.text


def test_an_error_of_handrail_is_a_warning_without_a_traceback(caplog):
    with never_fail("the run 7"):
        raise Unavailable("The store", "it is locked", "Try again.")

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Traceback" not in caplog.text


def test_what_is_logged_for_debugging_stays_there(caplog):
    caplog.set_level(logging.DEBUG, "handrail.lineage")

    with never_fail("an input", logging.DEBUG):
        raise TypeError("mistake")

    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("base", [Exception, HandrailError])
def test_an_error_without_a_message_passes_nobody(caplog, base):
    class Mute(base):
        def __str__(self):
            raise RuntimeError("no message")

    with never_fail("the run 7") as attempt:
        raise Mute

    assert not attempt.done
    assert [record.getMessage() for record in caplog.records] == [
        "Lineage does not know of the run 7. Mute, without a message"
    ]


def test_on_failure_acts_and_lets_the_error_pass():
    seen = []

    with pytest.raises(KeyboardInterrupt), on_failure(seen.append):
        raise KeyboardInterrupt
    with on_failure(seen.append):
        pass

    assert [type(each) for each in seen] == [KeyboardInterrupt]

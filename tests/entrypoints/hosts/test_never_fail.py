"""Recording never fails what it records, and logs one sentence."""

import logging

import pytest

from handrail.entrypoints.hosts.never_fail import never_fail, on_failure
from handrail.errors import Unavailable


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


def test_a_mistake_of_ours_has_its_traceback_where_debug_is_shown(caplog):
    caplog.set_level(logging.DEBUG, "handrail.lineage")

    with never_fail("the run 7"):
        raise TypeError("mistake")

    assert "Traceback" in caplog.text


def test_on_failure_acts_and_lets_the_error_pass():
    seen = []

    with pytest.raises(KeyboardInterrupt), on_failure(seen.append):
        raise KeyboardInterrupt
    with on_failure(seen.append):
        pass

    assert [type(each) for each in seen] == [KeyboardInterrupt]

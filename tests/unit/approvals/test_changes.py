"""Changes that were allowed and are not done yet."""

import threading

from handrail.approvals.service.changes import ChangesUnderWay


def test_without_a_change_nobody_waits():
    assert ChangesUnderWay().wait(0)


def test_a_change_that_has_begun_is_waited_for_and_one_that_ended_is_not():
    changes = ChangesUnderWay()

    with changes.change():
        assert not changes.wait(0.01)

    assert changes.wait(0)


def test_a_change_that_failed_has_ended():
    changes = ChangesUnderWay()
    try:
        with changes.change():
            raise OSError
    except OSError:
        assert changes.wait(0)


def test_what_begins_while_somebody_waits_is_not_waited_for():
    changes, outcome = ChangesUnderWay(), []
    first = changes.change()
    first.__enter__()
    waiter = threading.Thread(target=lambda: outcome.append(changes.wait(30)))
    waiter.start()
    while not changes._ended._waiters:
        waiter.join(0.01)

    with changes.change():
        first.__exit__(None, None, None)
        waiter.join(30)

        assert outcome == [True]

"""What waits in the spool: how much, and since when."""

from handrail.feedback import Receipt, Spooled
from handrail.feedback.adapters.spool import PredictionSpool
from tests.fakes.feedback import a_prediction


def test_what_was_answered_and_is_not_recorded_waits(tmp_path):
    spool = PredictionSpool(tmp_path / "spool")
    assert spool.waiting() == Spooled()
    spool.append([a_prediction(3)])
    spool.append([a_prediction(1), a_prediction(5)])

    waiting = spool.waiting()

    size = sum(file.stat().st_size for file in (tmp_path / "spool").glob("*.ndjson"))
    assert waiting == Spooled(size, a_prediction(3).made_at)


def test_what_was_recorded_waits_no_longer_while_the_process_goes_on(tmp_path):
    spool = PredictionSpool(tmp_path / "spool")
    spool.append([a_prediction(3)])
    spool.drain(lambda rows: Receipt(len(rows)))
    drained = spool.waiting()

    spool.append([a_prediction(4)])

    assert (drained, spool.waiting().oldest) == (Spooled(), a_prediction(4).made_at)


def test_of_several_processes_the_oldest_line_counts(tmp_path):
    for number in (7, 2, 9):
        PredictionSpool(tmp_path / "spool").append([a_prediction(number)])

    assert PredictionSpool(tmp_path / "spool").waiting().oldest == a_prediction(2).made_at


def test_a_line_that_cannot_be_read_waits_without_a_moment(tmp_path):
    (tmp_path / "1-a.ndjson").write_bytes(b"{}\n")

    assert PredictionSpool(tmp_path).waiting() == Spooled(3, None)

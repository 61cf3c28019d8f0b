"""Stages of a lock file can be distinguished and put into sets."""

from handrail.lineage.domain.locked import LockedStage, OutsideData


def test_what_dvc_recorded_of_outside_data_distinguishes_it_and_it_can_be_in_a_set():
    seen, again = (OutsideData("s3://lake/raw", details={"etag": "1"}) for _ in range(2))
    other = OutsideData("s3://lake/raw", details={"etag": "2"})

    assert {seen, again, other} == {seen, other}
    assert len({LockedStage("load", "0" * 64, "cmd", "{}", (), (), (each,)) for each in (seen, again, other)}) == 2

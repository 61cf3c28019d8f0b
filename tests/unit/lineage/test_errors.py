"""What lineage says when it refuses."""

import pytest

from handrail.lineage.domain.errors import AmbiguousReference


@pytest.mark.parametrize(
    ("fitting", "end"),
    [
        (2, "n0, n1"),
        (5, "n0, n1, n2, n3, n4"),
        (6, "n4 and 1 more"),
        (100, "n4 and 95 more"),
        # Not more are looked for, so there may be more of them.
        (101, "n4 and more than 95 more"),
    ],
)
def test_five_of_the_candidates_are_shown_and_how_many_more_there_are(fitting, end):
    said = AmbiguousReference("n", [f"n{number}" for number in range(fitting)])

    assert str(said).endswith(f"{end}. Give more of the one you mean.")
    assert len(said.candidates) == fitting

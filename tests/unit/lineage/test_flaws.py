"""Which flaws a user accepted, and which acceptances cover nothing any more."""

import pytest

from handrail.lineage.domain.flaws import Acceptance, Diagnosis, Flaw, RunSummary, sort_out

OLD = Flaw("model-without-run", "mlflow://registry/registered/old/1/1", "nothing made it")
NEW = Flaw("model-without-run", "mlflow://registry/registered/new/1/1", "nothing made it")


@pytest.mark.parametrize(
    ("kind", "subject", "covers"),
    [
        ("model-without-run", OLD.subject, True),
        ("model-without-run", "mlflow://registry/registered/old/*", True),
        ("model-without-run", "*", True),
        ("model-without-run", "mlflow://registry/registered/OLD/*", False),
        ("model-without-run", "mlflow://registry", False),
        ("model-without-tree", "*", False),
        ("model-*", "*", False),
    ],
)
def test_an_acceptance_covers_one_kind_and_the_subjects_that_its_pattern_fits(kind, subject, covers):
    assert Acceptance(kind, subject, "seen").covers(OLD) is covers


def test_each_flaw_is_open_or_accepted_by_the_first_that_covers_it_and_what_covers_none_is_unused():
    exact, wide, idle = (
        Acceptance(OLD.kind, OLD.subject, "it is from before"),
        Acceptance(OLD.kind, "*/old/*", "all of them"),
        Acceptance("circle", "*", "never"),
    )

    assert sort_out([OLD, NEW], [exact, wide, idle]) == Diagnosis((NEW,), ((OLD, exact),), (idle,))
    assert sort_out([], [exact]) == Diagnosis((), (), (exact,))
    assert sort_out([OLD], []) == Diagnosis((OLD,), (), ())


def test_what_is_not_said_of_a_run_it_does_not_have():
    assert RunSummary(2) == RunSummary(touched=2, incomplete="", values=0, recorded=False)

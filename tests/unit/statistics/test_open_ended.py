from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import InvalidInput
from handrail.statistics import Difference, OpenEnded, lower_bound, tau_narrowest_at
from handrail.statistics.open_ended import _one_sided_log
from tests.fixtures.statistics.oracles import ORACLES

ORACLE = ORACLES["mixture"]
LOOKS = st.lists(st.tuples(st.floats(-2, 2), st.floats(1e-3, 5)), min_size=1, max_size=12)


def difference(looks: list[tuple[float, float]]) -> Difference:
    return Difference(np.array([g for g, _ in looks]), np.array([v for _, v in looks]), np.arange(len(looks)) + 1.0)


def of_means() -> Difference:
    """The mean so far of the oracle's values, whose standard deviation is known."""
    values = np.array(ORACLE["values"])
    units = np.arange(1, len(values) + 1)
    return Difference(np.cumsum(values) / units, ORACLE["sigma"] ** 2 / units, units)


def in_information() -> Difference:
    """The oracle's sums S at information V: an effect S / V of variance 1 / V."""
    information = np.array(ORACLE["information"])
    return Difference(np.array(ORACLE["sums"]) / information, 1 / information, information)


def test_evidence_and_p_values_equal_those_of_ville() -> None:
    rule = OpenEnded(ORACLE["tau"], ORACLE["alpha"])

    assert rule.evidence(of_means()) == pytest.approx(ORACLE["ville_e_values"], rel=1e-9)
    assert rule.p_value(of_means()) == pytest.approx(ORACLE["ville_p_values"], rel=1e-9)


def test_the_sequence_equals_that_of_ville() -> None:
    # ville's rho is the precision over lambda = difference / sigma².
    rule = OpenEnded(ORACLE["sigma"] ** 2 / math.sqrt(ORACLE["ville_rho"]), ORACLE["alpha"])

    radius = rule.radius(of_means())

    assert of_means().gain - radius == pytest.approx(ORACLE["ville_low"], rel=1e-9)
    assert of_means().gain + radius == pytest.approx(ORACLE["ville_high"], rel=1e-9)


def test_both_mixtures_equal_those_of_expectation() -> None:
    two_sided = OpenEnded(1 / math.sqrt(ORACLE["expectation_two_sided_rho"]))
    of = in_information()

    assert np.log(two_sided.evidence(of)) == pytest.approx(ORACLE["expectation_two_sided"], rel=1e-9)
    tau = 1 / math.sqrt(ORACLE["expectation_one_sided_rho"])
    assert _one_sided_log(of.gain, of.variance, tau) == pytest.approx(ORACLE["expectation_one_sided"], rel=1e-9)
    assert tau_narrowest_at(1 / ORACLE["narrowest_at"]) == pytest.approx(two_sided.tau, rel=1e-9)


def test_the_one_sided_bound_equals_that_of_ville() -> None:
    of = in_information()

    low = lower_bound(of, ORACLE["tau"], ORACLE["alpha"])

    assert (of.gain - low) * np.array(ORACLE["information"]) == pytest.approx(ORACLE["ville_one_sided"], rel=1e-9)


def test_it_is_the_test_of_the_reference_sheet() -> None:
    pool, of, tau2, gain = 0.1, 4000, 1e-4, 0.012
    v = 2 * pool * (1 - pool) / of
    lam = np.sqrt(v / (v + tau2)) * np.exp(0.5 * tau2 * gain**2 / (v * (v + tau2)))

    assert float(OpenEnded(0.01).evidence(difference([(gain, v)]))[0]) == pytest.approx(lam)


@given(looks=LOOKS, tau=st.floats(0.05, 3), alpha=st.floats(0.001, 0.5))
def test_the_interval_leaves_out_what_the_test_rejects(
    looks: list[tuple[float, float]], tau: float, alpha: float
) -> None:
    rule, of = OpenEnded(tau, alpha), difference(looks)
    radius = rule.radius(of)

    for side in (-1, 1):
        for factor, rejects in ((0.999, False), (1.001, True)):
            evidence = [rule.evidence(of, null)[row] for row, null in enumerate(of.gain + side * factor * radius)]
            assert (np.array(evidence) >= 1 / alpha).tolist() == [rejects] * len(looks)


@given(looks=LOOKS, scale=st.sampled_from([0.25, 2.0, 64.0]), tau=st.floats(0.05, 3))
def test_another_unit_of_the_metric_scales_the_interval(
    looks: list[tuple[float, float]], scale: float, tau: float
) -> None:
    of = difference(looks)
    scaled = Difference(scale * of.gain, scale**2 * of.variance, of.units)

    assert OpenEnded(scale * tau).radius(scaled) == pytest.approx(scale * OpenEnded(tau).radius(of), rel=1e-9)
    assert OpenEnded(scale * tau).evidence(scaled) == pytest.approx(OpenEnded(tau).evidence(of), rel=1e-6)
    assert lower_bound(scaled, scale * tau) == pytest.approx(scale * lower_bound(of, tau), rel=1e-9, abs=1e-12)


@given(looks=LOOKS, tau=st.floats(0.05, 3))
def test_intervals_nest_and_one_side_is_tighter_than_two(looks: list[tuple[float, float]], tau: float) -> None:
    of = difference(looks)

    assert (OpenEnded(tau, 0.01).radius(of) > OpenEnded(tau, 0.1).radius(of)).all()
    assert (lower_bound(of, tau, 0.01) < lower_bound(of, tau, 0.1)).all()
    assert (lower_bound(of, tau, 0.05) > of.gain - OpenEnded(tau, 0.05).radius(of)).all()
    # One side at alpha is never tighter than both sides at twice alpha by more than rounding.
    assert (lower_bound(of, tau, 0.05) <= of.gain - OpenEnded(tau, 0.1).radius(of) + 1e-9).all()


@given(looks=LOOKS)
def test_p_values_never_rise(looks: list[tuple[float, float]]) -> None:
    p_value = OpenEnded(0.5).p_value(difference(looks))

    assert (np.diff(p_value) <= 0).all()
    assert ((p_value >= 0) & (p_value <= 1)).all()


def test_the_suggested_tau_is_nearly_the_narrowest() -> None:
    variance = 0.02
    look = difference([(0.0, variance)])
    narrowest = min(float(OpenEnded(tau).radius(look)[0]) for tau in np.geomspace(0.01, 10, 400))

    assert float(OpenEnded(tau_narrowest_at(variance)).radius(look)[0]) <= narrowest * 1.01


def test_where_no_variance_is_known_nothing_is_excluded() -> None:
    unknown = difference([(0.5, 0.0), (0.5, math.nan)])

    assert OpenEnded(0.1).radius(unknown).tolist() == [math.inf, math.inf]
    assert OpenEnded(0.1).evidence(unknown).tolist() == [1, 1]
    assert lower_bound(unknown, 0.1).tolist() == [-math.inf, -math.inf]


def test_overwhelming_evidence_is_finite() -> None:
    assert np.isfinite(OpenEnded(1.0).evidence(difference([(100.0, 1e-3)]))).all()


@pytest.mark.parametrize("gain", [0.02, 0.005, -0.02])
def test_as_many_units_as_promised_decide_and_a_few_fewer_do_not(gain: float) -> None:
    rule, variance, units = OpenEnded(0.015), 0.18 / 300, 300

    needed = rule.units_to_decide(Difference(np.array([gain]), np.array([variance]), np.array([units])))

    assert needed > units
    for factor, decides in ((1.001, True), (0.999, False)):
        later = difference([(gain, 0.18 / (needed * factor))])
        assert bool(abs(gain) > rule.radius(later)[0]) is decides


def test_no_number_of_units_decides_without_a_gain() -> None:
    assert OpenEnded(0.015).units_to_decide(difference([(0.0, 0.01)])) == math.inf


@pytest.mark.parametrize("tau", [0.0, -1.0, math.nan, math.inf])
def test_a_tau_that_is_no_spread_is_refused(tau: float) -> None:
    with pytest.raises(InvalidInput, match="tau"):
        OpenEnded(tau)


def test_an_error_rate_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        OpenEnded(0.1, 1.5)

"""False-alarm probabilities: stars without a period raise none, stars with one do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods import FrequencyGrid, judge, search
from pelsvae_cadence.periods.series import JointSeries, joint_series
from pelsvae_cadence.periods.significance import false_alarm_probability
from pelsvae_cadence.validate.periods.control import CONTROL_CLASSES, control_sample, control_visits
from pelsvae_cadence.validate.periods.false_alarms import false_alarm_figures, first_visits, without_period

VARIABLE = [kind for kind in CONTROL_CLASSES if kind != "constant"]
RANGE = (0.2, 100.0)


def _alarms(light_curves: LightCurves, span: float) -> np.ndarray:
    found = search(light_curves, baseline=span, period_range=RANGE, refine_peaks=False)
    assert (found.status == "ok").all()
    return found.false_alarm_probability


# Of n stars n/100 may be below 0.01, plus three sigma. With the quoted errors, 100, 97 and 100 %
# of permuted RR Lyrae stars were below 0.01 at these numbers of visits.
@pytest.mark.parametrize(("n_visits", "n"), [(22, 210), (71, 210), (800, 42)])
@pytest.mark.parametrize("kinds", [["constant"], VARIABLE, ["RRab"]])
def test_stars_without_a_period_raise_no_alarm(n_visits, n, kinds):
    visits, span = first_visits(31, n_visits)
    sample = control_sample(visits, [kinds[j % len(kinds)] for j in range(n)], seed=32)
    alarm = _alarms(without_period(sample.light_curves, seed=33), span)
    assert np.count_nonzero(alarm <= 0.01) <= 0.01 * n + 3.0 * np.sqrt(0.01 * n)
    # Without being blind: the bound is not a hundred times too high.
    if n > 100:
        assert np.count_nonzero(alarm < 0.9) > 0.05 * n


@pytest.mark.parametrize(("years", "r_range"), [(1.0, (17.0, 21.0)), (10.0, (17.0, 22.5))])
def test_periodic_stars_are_detected(years, r_range):
    kinds = ["RRab", "RRc", "CEP", "EW", "DSCT", "LPV"] * 4
    sample = control_sample(control_visits(34, years=years), kinds, seed=35, r_range=r_range)
    found = search(sample.light_curves, baseline=years * JULIAN_YEAR, refine_peaks=False)
    assert np.mean(found.false_alarm_probability < 1e-3) > 0.95
    assert np.median(found.false_alarm_probability) < 1e-10
    permuted = search(
        without_period(sample.light_curves, seed=36), baseline=years * JULIAN_YEAR, refine_peaks=False
    )
    assert judge(permuted, sample.period).fraction("no detection") > 0.9


def test_what_the_points_of_a_moment_share_counts_once():
    """Five bands at once, as SDSS observes: forty nights of a star that flickers are forty points."""
    rng = np.random.default_rng(37)
    nights = 40
    mjd = np.sort(60300.0 + rng.uniform(0.0, 300.0, nights))
    time = (mjd[:, None] + 0.0008 * np.arange(5)).ravel()
    base = control_sample(control_visits(3, years=1.0), ["constant"], seed=1).light_curves
    alarms = []
    for _ in range(60):
        flux = (
            1e5 * (1.0 + 0.2 * rng.standard_normal((nights, 1)) + 0.01 * rng.standard_normal((nights, 5)))
        ).ravel()
        curve = LightCurves(
            star_id=base.star_id,
            offsets=np.array([0, time.size]),
            mjd=time,
            band=np.tile(list("ugriz"), nights),
            visit_id=np.arange(time.size),
            mag_true=np.full(time.size, np.nan),
            mag=np.full(time.size, np.nan),
            mag_err=np.full(time.size, np.nan),
            flux=flux,
            flux_err=np.full(time.size, 1e3),
            detected=np.ones(time.size, dtype=bool),
            saturated=np.zeros(time.size, dtype=bool),
        )
        alarms.append(_alarms(curve, 300.0)[0])
    assert np.count_nonzero(np.array(alarms) <= 0.01) <= 3


def test_a_night_without_a_gap_has_many_moments():
    time = np.concatenate([np.arange(0.0, 0.3, 0.001), [5.0, 5.001, 9.0]])
    n = time.size
    series = JointSeries(
        time=time, value=np.zeros(n), error=np.ones(n), band=np.zeros(n, int), scales=np.ones(1), n_excluded=0
    )
    assert series.n_moments == 60 + 2


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    n=st.integers(8, 300),
    n_bands=st.integers(1, 6),
    spread=st.floats(0.0, 3.0),
    size=st.floats(0.01, 1e4),
    tail=st.floats(1.5, 30.0),
    seed=st.integers(0, 99),
)
def test_own_scatter_explains_a_star(n, n_bands, spread, size, tail, seed):
    rng = np.random.default_rng(seed)
    series = JointSeries(
        time=np.sort(rng.uniform(0, 300, n)),
        value=size * rng.standard_t(tail, n),
        error=np.exp(spread * rng.standard_normal(n)),
        band=np.arange(n) % n_bands,
        scales=np.ones(n_bands),
        n_excluded=0,
    )
    noisy = series.with_own_scatter()
    free = n - n_bands
    assert noisy.chi2 <= 1.01 * free
    added = noisy.error**2 - series.error**2
    np.testing.assert_allclose(added, added[0], atol=1e-9 * added.max() + 1e-9 * (series.error**2).max())
    if added[0] > 1e-6 * (series.error**2).min():
        assert noisy.chi2 == pytest.approx(free, rel=0.01)
    means = np.bincount(noisy.band, noisy.value / noisy.error**2)
    np.testing.assert_allclose(means, 0.0, atol=1e-9 * np.abs(noisy.value / noisy.error**2).sum())
    # A share of one's own variance: neither units nor the zero of time matter.
    grid = FrequencyGrid.from_baseline(300.0, RANGE)
    trial = np.linspace(0.02, 4.9, 7)
    alarm = false_alarm_probability(series, trial, grid)
    assert 0.0 <= alarm <= 1.0
    other = replace(series, time=series.time + 5e4, value=7.0 * series.value, error=7.0 * series.error)
    assert false_alarm_probability(other, trial, grid) == pytest.approx(alarm, rel=1e-4, abs=1e-300)


def test_too_few_moments_judge_nothing():
    sample = control_sample(control_visits(3, years=1.0), ["RRc"], seed=1, r_range=(17.0, 18.0))
    series = joint_series(sample.light_curves, 0)
    few = np.arange(series.n_bands + 3)
    short = replace(
        series, **{name: getattr(series, name)[few] for name in ("time", "value", "error", "band")}
    )
    grid = FrequencyGrid.from_baseline(365.25, RANGE)
    assert false_alarm_probability(short, [1.0 / sample.period[0]], grid) == 1.0


@pytest.mark.slow
def test_many_stars_without_a_period():
    assert all(figure.passed for figure in false_alarm_figures(5, 150))

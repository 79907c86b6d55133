"""What may overrule the Fourier score, and light curves with hardly anything in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods import STATUSES, FrequencyGrid, judge, search
from pelsvae_cadence.periods.minima import unequal_halves, unequal_minima
from pelsvae_cadence.periods.outliers import MISFIT, heavy_tailed_scores
from pelsvae_cadence.periods.periodogram import MANY_POINTS, highest_peaks, periodograms
from pelsvae_cadence.periods.refinement import fourier_scores
from pelsvae_cadence.periods.series import JointSeries, joint_series
from pelsvae_cadence.validate.periods.control import control_sample, control_visits

BASELINE = 3652.5


def _series(value, *, n=240, error=0.05, seed=1) -> JointSeries:
    """One band, two moments a night over four years, and whatever varies."""
    rng = np.random.default_rng(seed)
    night = np.sort(rng.permutation(1400)[: n // 2])
    time = 60000.0 + np.concatenate([night + rng.uniform(0.0, 0.3, n // 2) for _ in range(2)])
    time.sort()
    flux = value(time) + error * rng.standard_normal(n)
    return JointSeries(
        time=time,
        value=flux - flux.mean(),
        error=np.full(n, error),
        band=np.zeros(n, dtype=np.int64),
        scales=np.ones(1),
        n_excluded=0,
    )


def _sine(frequency, amplitude=1.0):
    return lambda t: amplitude * np.sin(2 * np.pi * frequency * t)


def test_equal_halves_are_not_halved_and_unequal_ones_are():
    f = 1.7
    equal = _series(_sine(f))
    assert unequal_halves(equal, f, 2, 1400.0).gain < 0.0
    for amplitude in (0.05, 0.3):
        unequal = _series(lambda t, a=amplitude: _sine(f)(t) + _sine(0.5 * f, a)(t))
        halves = unequal_halves(unequal, f, 1, 1400.0)
        assert halves.gain > 0.0
        assert halves.frequency == pytest.approx(0.5 * f, abs=0.03 / 1400.0)
        assert halves.order == 2


def test_noise_does_not_halve_periods():
    """Of a hundred sinusoids one may be halved by chance, not ten."""
    halved = sum(
        unequal_halves(_series(_sine(1.7, 0.3), error=0.2, seed=k), 1.7, 2, 1400.0).gain > 0.0
        for k in range(100)
    )
    assert halved <= 3


def test_the_gain_is_the_drop_of_chi_squared_less_its_price():
    """For noise that the model explains, likelihood is chi-squared: a check by least squares."""
    f = 1.7
    series = _series(lambda t: _sine(f)(t) + _sine(0.5 * f, 0.15)(t))
    halves = unequal_halves(series, f, 1, 1400.0)

    def chi2(frequency, multiples):
        angle = 2 * np.pi * frequency * (series.time - 60700.0)
        columns = [np.ones(series.time.size)]
        columns += [wave(h * angle) for h in multiples for wave in (np.cos, np.sin)]
        design = np.column_stack(columns) / series.error[:, None]
        target = series.value / series.error
        residual = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
        return residual @ residual

    # Only below a reduced chi-squared of one is the likelihood chi-squared itself.
    quiet = replace(series, error=3.0 * series.error)
    gain = unequal_halves(quiet, f, 1, 1400.0)
    trial = 0.5 * f + np.linspace(-0.0375, 0.0375, 13) / 1400.0
    drop = min(chi2(x, (2,)) for x in trial) - min(chi2(x, (2, 1)) for x in trial)
    price = 2.0 * np.log(series.time.size)
    assert gain.gain == pytest.approx(drop / 9.0 - price, abs=0.02 * drop / 9.0)
    assert halves.gain > 0.0


def _eclipses(frequency, depths, width=0.06):
    """Two eclipses an orbit, of smooth shape; `frequency` is that of the eclipses."""

    def flux(t):
        phase = 0.5 * frequency * (t - 60700.0) % 1.0
        value = np.zeros_like(t)
        for centre, depth in zip((0.25, 0.75), depths, strict=True):
            value -= depth * np.exp(-0.5 * ((phase - centre) / width) ** 2)
        return value

    return flux


def test_one_depth_costs_less_than_many_harmonics():
    """Narrow eclipses that differ a little in depth: too little for odd harmonics."""
    f, seeds = 1.7, range(20)
    series = [_series(_eclipses(f, (1.0, 0.90)), error=0.08, seed=k) for k in seeds]
    by_depth = [unequal_minima(one, f, 4).gain > 0.0 for one in series]
    by_harmonics = [unequal_halves(one, f, 4, 1400.0).gain > 0.0 for one in series]
    assert sum(by_depth) >= 15
    assert sum(by_depth) > sum(by_harmonics) + 3
    halves = unequal_minima(series[0], f, 4)
    assert halves.frequency == 0.5 * f
    assert halves.order == 8


@pytest.mark.parametrize("curve", [_sine(1.7, 0.3), _eclipses(1.7, (1.0, 1.0))])
def test_noise_does_not_make_one_minimum_deeper(curve):
    """One parameter at ln n: one in several hundred by chance."""
    halved = sum(unequal_minima(_series(curve, error=0.2, seed=k), 1.7, 3).gain > 0.0 for k in range(150))
    assert halved <= 2


def test_heavy_tails_are_asked_where_noise_does_not_explain_the_residuals():
    clean = _series(_sine(0.7))
    frequency, order = np.array([0.7, 1.7]), np.array([1, 1])
    assert heavy_tailed_scores(clean, frequency, order) is None
    spoilt = replace(clean, value=clean.value + np.where(np.arange(240) % 12 == 0, 1.5, 0.0))
    scores = heavy_tailed_scores(spoilt, frequency, order)
    assert scores is not None
    assert scores[0] > scores[1]
    assert MISFIT > 1.0


def test_outliers_do_not_decide():
    """A night of bad points at the right phase favours the wrong frequency; heavy tails do not."""
    truth, other = 0.7, 1.7027
    series = _series(_sine(truth, 0.2), error=0.02, seed=3)
    rng = np.random.default_rng(5)
    bad = rng.permutation(240)[:14]
    value = series.value.copy()
    value[bad] = 1.2 * np.sin(2 * np.pi * other * series.time[bad] + 0.3)
    spoilt = replace(series, value=value)
    trial = np.array([truth, other])
    gauss, _ = fourier_scores(spoilt, trial, np.array([0.0]), (1, 2))
    heavy = heavy_tailed_scores(spoilt, trial[np.argsort(-gauss[:, 0])], np.array([2, 2]))
    assert heavy is not None
    best = trial[np.argsort(-gauss[:, 0])][int(np.argmax(heavy))]
    assert best == truth
    margin = heavy.max() - heavy.min()
    assert margin > abs(gauss[0, 0] - gauss[1, 0])


def test_an_error_common_to_all_points_makes_them_equals():
    sample = control_sample(control_visits(3), ["RRab"], seed=1, r_range=(18.0, 18.0))
    series = joint_series(sample.light_curves, 0)
    wide = series.with_model_error(0.2)
    assert np.ptp(wide.error) / wide.error.mean() < 0.5 * np.ptp(series.error) / series.error.mean()
    weight = wide.error**-2.0
    means = np.bincount(wide.band, weights=weight * wide.value)
    np.testing.assert_allclose(means / np.bincount(wide.band, weights=weight), 0.0, atol=1e-12)
    constant = control_sample(control_visits(3), ["constant"], seed=1).light_curves
    quiet = joint_series(constant, 0)
    # Nothing varies: nothing is added (up to chance).
    assert quiet.with_model_error(0.2).error.mean() < 1.02 * quiet.error.mean()


@pytest.fixture(scope="module")
def ten_years():
    sample = control_sample(control_visits(3), ["RRab", "CEP", "EA", "DSCT"], seed=1, r_range=(18.0, 22.0))
    return sample, [joint_series(sample.light_curves, i) for i in range(4)]


def test_shared_windows_find_the_peaks_of_own_windows(ten_years):
    _, series = ten_years
    assert series[0].time.size >= MANY_POINTS
    grid = FrequencyGrid.from_baseline(BASELINE, (0.2, 1000.0))
    shared = list(periodograms(series, grid, share_windows=True))
    own = list(periodograms(series, grid, share_windows=False))
    for one, a, b in zip(series, shared, own, strict=True):
        theirs = highest_peaks(b, grid, 5)[0]
        ours = highest_peaks(a, grid, 30)[0]
        gaps = np.abs(theirs[:, None] - ours).min(axis=1) * BASELINE
        assert (gaps < 0.3).all()
        # Sums over equal weights are wrong by the noise of a window.
        assert np.abs(a - b).max() < 4.0 * one.time.size**-0.5 * b.max()
        np.testing.assert_allclose(a[:10], b[:10], rtol=1e-5)  # slow ones are direct sums


def test_shared_windows_do_not_mix_stars(ten_years):
    _, series = ten_years
    grid = FrequencyGrid.from_baseline(BASELINE, (1.0, 1000.0))
    together = list(periodograms(series, grid))
    (alone,) = periodograms(series[2:3], grid)
    np.testing.assert_array_equal(alone, together[2])


def test_most_bright_binaries_get_their_orbital_period():
    """The periodogram alone finds none of them: it peaks at half the orbital period."""
    sample = control_sample(control_visits(4), ["EA", "EW"] * 5, seed=6, r_range=(17.0, 20.0))
    options = {"baseline": BASELINE, "period_range": (0.1, 50.0)}
    found = judge(search(sample.light_curves, **options), sample.period)
    peaks = judge(search(sample.light_curves, refine_peaks=False, **options), sample.period)
    assert found.recovered.sum() >= 7
    assert found.recovered_or_half.all()
    assert peaks.recovered.sum() <= 2


def _tiny(n_points, n_bands, kind, rng) -> LightCurves:
    flux = {
        "noise": rng.normal(100.0, 5.0, n_points),
        "constant": np.full(n_points, 100.0),
        "one outlier": np.where(np.arange(n_points) == 0, 1e6, 100.0),
        "negative": rng.normal(-50.0, 5.0, n_points),
        "huge": rng.normal(1e12, 1e9, n_points),
    }[kind]
    time = 60000.0 + np.sort(rng.uniform(0, 300, n_points))
    if n_points > 6:
        time[3] = time[2]
    return LightCurves(
        star_id=np.array([1]),
        offsets=np.array([0, n_points]),
        mjd=time,
        band=np.array([list("ugrizy")[k % n_bands] for k in range(n_points)]),
        visit_id=np.arange(n_points),
        mag_true=np.full(n_points, 20.0),
        mag=np.full(n_points, np.nan),
        mag_err=np.full(n_points, np.nan),
        flux=flux,
        flux_err=np.full(n_points, 5.0),
        detected=np.zeros(n_points, dtype=bool),
        saturated=np.zeros(n_points, dtype=bool),
    )


@pytest.mark.parametrize("kind", ["noise", "constant", "one outlier", "negative", "huge"])
def test_hardly_anything_ends_in_a_verdict(kind):
    """Any number of points and bands: a status, a verdict, and no warning (which would fail)."""
    rng = np.random.default_rng(7)
    for n_points in (1, 2, 5, 6, 7, 9, 12, 17, 30):
        for n_bands in (1, 2, 6):
            light_curve = _tiny(n_points, n_bands, kind, rng)
            result = search(light_curve, baseline=365.25, period_range=(0.3, 500.0))
            assert result.status[0] in STATUSES
            assert (result.status[0] == "ok") == np.isfinite(result.frequency[0])
            assert 0.0 <= result.false_alarm_probability[0] <= 1.0
            verdict = judge(result, [0.6]).verdict[0]
            if result.status[0] != "ok":
                assert verdict == "no detection"

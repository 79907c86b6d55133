"""What a search makes of ranges, units, missing values and error bars that no one can believe."""

from __future__ import annotations

import warnings

import astropy.units as u
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence import LightCurves
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import OmissionWarning
from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.series import credible_errors, joint_series

PERIOD = 0.5371


def _curve(n=100, span=300.0, seed=0, *, kind="sine", **changes):
    rng = np.random.default_rng(seed)
    t = 60000 + np.sort(rng.uniform(0, span, n))
    signal = {
        "sine": 1e3 * np.sin(2 * np.pi * t / PERIOD),
        "rise": 10.0 * (t - 60000.0),
        "noise": np.zeros(n),
    }[kind]
    columns = {
        "mjd": t,
        "band": np.full(n, "r"),
        "flux": 1e4 + signal + 50.0 * rng.standard_normal(n),
        "flux_err": np.full(n, 50.0),
    }
    return LightCurves(star_id=[0], offsets=[0, n], **{**columns, **changes})


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    n=st.integers(9, 40),
    span=st.floats(20.0, 500.0),
    low=st.floats(0.3, 15.0),
    ratio=st.floats(1.05, 300.0),
    kind=st.sampled_from(["sine", "rise", "noise"]),
    refined=st.booleans(),
    seed=st.integers(0, 9),
)
def test_answers_lie_in_the_range(n, span, low, ratio, kind, refined, seed):
    asked = (low, low * ratio)
    found = search(_curve(n, span, seed, kind=kind), period_range=asked, refine_peaks=refined, n_top=8)
    periods = 1.0 / found.top_frequencies[np.isfinite(found.top_frequencies)]
    assert ((asked[0] <= periods) & (periods <= asked[1])).all()
    if found.status[0] == "ok":
        assert asked[0] <= found.period[0] <= asked[1]
        assert periods[0] == found.period[0]
    else:
        assert np.isnan(found.period[0])


@pytest.mark.parametrize("asked", [(2000.0, 5000.0), (300.0, 301.0), (1e5, 1e6)])
def test_periods_longer_than_the_data_are_not_answered(asked):
    found = search(_curve(), period_range=asked)
    assert found.status.tolist() == ["span too short"]
    assert np.isnan(found.period).all()
    assert found.false_alarm_probability.tolist() == [1.0]


@pytest.mark.parametrize("tiny", [1e-12, 1e-300, 5e-324, 1e-6, 0.01, 1.0])
@pytest.mark.parametrize("n_tiny", [1, 5])
def test_a_few_absurd_errors_do_not_decide(tiny, n_tiny):
    error = np.full(100, 50.0)
    error[3 : 3 + n_tiny] = tiny
    expected = search(_curve()).period
    found = search(_curve(flux_err=error))
    assert found.period == pytest.approx(expected, rel=1e-4)
    assert found.false_alarm_probability[0] < 1e-6
    noise = search(_curve(kind="noise", flux_err=error))
    assert noise.false_alarm_probability[0] > 0.01


def test_an_absurd_error_alone_in_its_band_does_not_decide():
    band = np.full(100, "r")
    band[3] = "g"
    error = np.full(100, 50.0)
    error[3] = 1e-300
    assert search(_curve(band=band, flux_err=error)).period == pytest.approx(PERIOD, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0])
def test_errors_that_are_all_tiny_are_weights_all_the_same(scale):
    found = search(_curve(flux_err=np.full(100, scale)))
    assert found.period == pytest.approx(PERIOD, rel=1e-3)


def test_two_telescopes_in_one_band_keep_their_errors():
    rng = np.random.default_rng(2)
    error = np.where(np.arange(200) < 60, 1.0, 80.0)
    flux = 1e4 + 500.0 * rng.standard_normal(200)
    band = np.zeros(200, np.int64)
    np.testing.assert_array_equal(credible_errors(flux, error, band), error)
    usual = rng.uniform(20.0, 200.0, 200)
    np.testing.assert_array_equal(credible_errors(flux, usual, band), usual)


def test_points_without_an_error_are_left_out_and_counted():
    error = np.full(100, 50.0)
    error[:3] = 0.0, -1.0, np.inf
    with pytest.warns(OmissionWarning, match=r"^3 of 100 points left out: 3 without a positive error"):
        found = search(_curve(flux_err=error))
    assert found.n_points.tolist() == [97]
    assert found.period == pytest.approx(PERIOD, rel=1e-3)
    with pytest.warns(OmissionWarning, match=r"^100 of 100"):
        assert search(_curve(flux_err=np.zeros(100))).status.tolist() == ["no usable flux"]


def test_masked_points_do_not_count():
    plain = _curve()
    gone = np.arange(100) % 5 == 0
    for name in ("flux", "flux_err", "mjd"):
        column = np.ma.array(np.where(gone, -1e9, getattr(plain, name)), mask=gone)
        with pytest.warns(OmissionWarning, match=r"^20 of 100 points do not count"):
            curve = _curve(**{name: column})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OmissionWarning)
            found = search(curve)
        assert found.n_points.tolist() == [80]
        assert found.period == pytest.approx(PERIOD, rel=1e-3)
    with pytest.raises(InputError, match="band is missing in row 0"):
        _curve(band=np.ma.array(plain.band, mask=gone))


def test_placeholders_are_no_fluxes():
    flux = np.where(np.arange(100) % 7 == 0, 1e30, _curve().flux)
    assert joint_series(_curve(flux=flux), 0).n_excluded == 15


def test_options_take_units():
    plain = search(_curve(), baseline=300.0, period_range=(0.1, 10.0))
    same = search(_curve(), baseline=(300.0 * u.d).to(u.yr), period_range=[2.4, 240.0] * u.h)
    assert same.period == pytest.approx(plain.period, rel=1e-9)
    assert same.options["period_range"] == pytest.approx((0.1, 10.0))
    text = search(_curve(band=pd.Series(["r"] * 100)), baseline=300.0, period_range=(0.1, 10.0))
    assert text.period == plain.period


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_top": 2.9}, r"n_top = 2\.9; allowed: whole numbers, 1 \.\. 8"),
        ({"n_top": [5]}, "n_top"),
        ({"n_top": True}, "n_top"),
        ({"baseline": 3 * u.m}, "baseline is in m"),
        ({"baseline": [3.0, 4.0]}, "baseline = .* is not one number"),
        ({"baseline": "3"}, "baseline = '3' is not one number"),
        ({"baseline": np.ma.masked}, "baseline"),
        ({"period_range": (1.0, np.nan)}, "period_range"),
        ({"period_range": (1 * u.m, 2 * u.m)}, "period_range is in m"),
        ({"period_range": 5.0}, "two periods in days"),
        ({"period_range": (5.0, 1.0)}, "shortest < longest"),
        ({"oversampling": None}, "oversampling"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        search(_curve(), **options)

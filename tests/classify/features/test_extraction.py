"""Features: what they measure, what they do not know, and what they do without data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, search, simulate
from pelsvae_cadence.bands import LSST_BANDS, ZTF_BANDS
from pelsvae_cadence.classify import (
    DEFAULT_GROUPS,
    FEATURE_GROUPS,
    FeatureTable,
    FeatureWarning,
    extract,
    feature_definitions,
)
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.magnitudes import at_magnitude

RA, DEC = 35.0, -20.0


@pytest.fixture(scope="module")
def visits():
    found = SyntheticSurvey(preset="lsst-v3", seed=0).at(RA, DEC)
    return found.take(found.mjd < found.mjd[0] + 3 * 365.25)


@pytest.fixture(scope="module")
def model():
    return LightCurveModel.load()


def known_curve(visits, *, r21, phi21, amplitude, period=0.7, n=1, lag=None):
    """Stars of a known two-term Fourier series in all bands, at r = 18, without noise.

    `lag` gives the cycles by which each band comes late.
    """
    phase = visits.mjd / period
    if lag is not None:
        phase = phase - np.array([lag[b] for b in visits.band.tolist()])
    series = np.cos(2 * np.pi * phase) + r21 * np.cos(4 * np.pi * phase + phi21)
    grid = np.arange(512) / 512
    shape = np.cos(2 * np.pi * grid) + r21 * np.cos(4 * np.pi * grid + phi21)
    mag = 18.0 + amplitude * series / np.ptp(shape)
    flux = 10 ** (0.4 * (31.4 - mag))
    points = len(visits)
    return LightCurves(
        star_id=np.arange(n),
        offsets=np.arange(n + 1) * points,
        mjd=np.tile(visits.mjd, n),
        band=np.tile(visits.band, n),
        visit_id=np.tile(visits.visit_id, n),
        mag_true=np.tile(mag, n),
        mag=np.tile(mag, n),
        mag_err=np.full(n * points, 0.005),
        flux=np.tile(flux, n),
        flux_err=0.005 * np.tile(flux, n),
        detected=np.ones(n * points, dtype=bool),
        saturated=np.zeros(n * points, dtype=bool),
    )


def at_period(light_curves, period):
    """A search that looks nowhere else."""
    return search(light_curves, period_range=(0.99 * period, 1.01 * period))


@pytest.fixture(scope="module")
def rr_lyrae(model, visits):
    stars = model.sample("RRab", n=6, seed=3, ra=RA, dec=DEC)
    curve = model.phase_curve(stars, seed=3)
    placed = at_magnitude(stars, "r", np.linspace(18, 22, 6))
    light_curves = simulate(placed, visits, seed=3, curve=curve)
    return stars, light_curves, search(light_curves, period_range=(0.3, 1.0))


@pytest.mark.parametrize("bands", [LSST_BANDS, ZTF_BANDS, ("i",)])
def test_definitions_have_a_unit_a_meaning_and_one_name(bands):
    features = feature_definitions(bands, FEATURE_GROUPS)
    assert len({f.name for f in features}) == len(features)
    assert all(f.definition and f.group in FEATURE_GROUPS for f in features)
    assert "magnitude" not in {f.group for f in feature_definitions(bands)}


def test_unknown_band_and_group():
    with pytest.raises(InputError, match="unknown band 'w'"):
        feature_definitions(("w",))
    with pytest.raises(InputError, match=r"unknown group of features 'parallax'.*colour"):
        feature_definitions(groups=("parallax",))


@pytest.mark.parametrize(("r21", "phi21"), [(0.45, 4.0), (0.2, 5.5)])
def test_fourier_terms_follow_the_catalogues(visits, r21, phi21):
    light_curves = known_curve(visits, r21=r21, phi21=phi21, amplitude=0.6)
    found = extract(light_curves, at_period(light_curves, 0.7))
    assert found["r21"][0] == pytest.approx(r21, abs=0.02)
    assert found["phi21"][0] == pytest.approx(phi21, abs=0.05)
    assert found["log_period"][0] == pytest.approx(np.log10(0.7), abs=1e-4)
    # All bands share the amplitude here, so no band is larger than the next.
    assert abs(found["amplitude_ratio_g_i"][0]) < 0.05
    assert abs(found["colour_g_r"][0]) < 0.04


def test_bands_that_lag_do_not_look_like_cycles_that_alternate(visits):
    """Simulated Cepheids lag from band to band, other classes do not: no feature may tell."""
    rng = np.random.default_rng(3)
    options = {"r21": 0.3, "phi21": 4.5, "amplitude": 0.3, "period": 5.3}
    late = dict(zip(LSST_BANDS, (-0.03, -0.015, 0.0, 0.01, 0.015, 0.02), strict=True))
    noise = rng.standard_normal(len(visits))
    found = {}
    for name, lag in (("together", None), ("late", late)):
        light_curves = known_curve(visits, **options, lag=lag)
        noisy = light_curves.flux + light_curves.flux_err * noise
        light_curves = replace(light_curves, flux=noisy)
        found[name] = extract(light_curves, at_period(light_curves, 5.3))
    assert found["late"]["order"][0] == found["together"]["order"][0]
    for feature in ("odd_share", "explained", "residual_scatter"):
        assert found["late"][feature][0] == pytest.approx(found["together"][feature][0], abs=0.004)
    for feature in ("amplitude", "r21", "curve_skewness"):
        assert found["late"][feature][0] == pytest.approx(found["together"][feature][0], rel=0.02)
    assert found["late"]["odd_significance"][0] == pytest.approx(
        found["together"]["odd_significance"][0], abs=0.3
    )


def test_cycles_that_alternate_are_seen(visits):
    light_curves = known_curve(visits, r21=0.3, phi21=4.5, amplitude=0.3, period=5.3)
    half = np.cos(np.pi * visits.mjd / 5.3)
    alternating = replace(light_curves, flux=light_curves.flux * (1.0 + 0.03 * half))
    plain, seen = (extract(one, at_period(one, 5.3)) for one in (light_curves, alternating))
    assert seen["odd_share"][0] > 0.02 > 10.0 * plain["odd_share"][0]
    assert seen["odd_significance"][0] > plain["odd_significance"][0] + 1.0


def test_features_do_not_know_the_distance(model, visits):
    stars = model.sample("CEP", n=4, seed=5, ra=RA, dec=DEC)
    curve = model.phase_curve(stars, seed=5)
    tables = []
    for magnitude in (18.0, 20.0):
        placed = at_magnitude(stars, "r", magnitude)
        light_curves = simulate(placed, visits, seed=5, curve=curve, noise=False)
        periods = search(light_curves, period_range=(0.5, 60.0))
        periods = replace(periods, frequency=1.0 / stars.period)
        tables.append(extract(light_curves, periods, groups=FEATURE_GROUPS))
    near, far = tables
    for band in "gri":
        np.testing.assert_allclose(far[f"mag_{band}"] - near[f"mag_{band}"], 2.0, atol=0.05)
    for feature in feature_definitions(LSST_BANDS, ("colour", "amplitude")):
        np.testing.assert_allclose(near[feature.name], far[feature.name], atol=0.12)
    for name in ("amplitude", "bright_fraction", "r21", "curve_skewness", "skew_r"):
        np.testing.assert_allclose(near[name], far[name], atol=0.12)


def test_amplitude_and_colour_are_those_of_the_star(rr_lyrae):
    stars, light_curves, periods = rr_lyrae
    found = extract(light_curves, periods)
    bright = slice(0, 3)
    # Flux amplitudes in i, whose ratio to Cousins I is about 1.05.
    ratio = found["amplitude"][bright] / stars.amplitude_i[bright]
    assert ((ratio > 0.9) & (ratio < 1.25)).all()
    assert (found["rise_fraction"][bright] < 0.3).all()
    assert (found["explained"][bright] > 0.95).all()


def test_a_row_does_not_depend_on_the_other_stars(rr_lyrae):
    _, light_curves, periods = rr_lyrae
    together = extract(light_curves, periods, groups=FEATURE_GROUPS)
    order = np.array([4, 1])
    some = LightCurves.concatenate([light_curves.star(i) for i in order])
    keys = (
        "star_id",
        "frequency",
        "score",
        "n_harmonics",
        "power",
        "false_alarm_probability",
        "top_frequencies",
        "top_scores",
        "n_points",
        "status",
    )
    chosen = replace(periods, **{key: getattr(periods, key)[order] for key in keys})
    np.testing.assert_allclose(
        extract(some, chosen, groups=FEATURE_GROUPS).values, together.values[order], rtol=1e-9, atol=1e-9
    )


def test_an_all_nan_band_is_a_missing_band(rr_lyrae):
    _, light_curves, periods = rr_lyrae
    in_u = light_curves.band == "u"
    flux = np.where(in_u, np.nan, light_curves.flux)
    with pytest.warns(FeatureWarning, match="band u is all NaN or saturated"):
        broken = extract(replace(light_curves, flux=flux), periods)
    keep = ~in_u
    counts = np.add.reduceat(keep, light_curves.offsets[:-1])
    columns = {
        name: getattr(light_curves, name)[keep]
        for name in (
            "mjd",
            "band",
            "visit_id",
            "mag_true",
            "mag",
            "mag_err",
            "flux",
            "flux_err",
            "detected",
            "saturated",
        )
    }
    without = LightCurves(
        star_id=light_curves.star_id, offsets=np.concatenate([[0], np.cumsum(counts)]), **columns
    )
    with pytest.warns(FeatureWarning, match="band u was not observed"):
        missing = extract(without, periods)
    np.testing.assert_array_equal(broken.values, missing.values)
    assert np.isnan(broken["colour_u_g"]).all()
    assert np.isfinite(broken["colour_g_r"]).all()


def test_five_points_give_a_row_without_a_shape(rr_lyrae):
    _, light_curves, _ = rr_lyrae
    one = light_curves.star(0)
    rows = slice(0, 5)
    names = (
        "mjd",
        "band",
        "visit_id",
        "mag_true",
        "mag",
        "mag_err",
        "flux",
        "flux_err",
        "detected",
        "saturated",
    )
    short = LightCurves(
        star_id=one.star_id, offsets=np.array([0, 5]), **{name: getattr(one, name)[rows] for name in names}
    )
    with pytest.warns(FeatureWarning, match="was not observed"):
        found = extract(short, search(short))
    assert found.values.shape == (1, len(feature_definitions()))
    assert np.isnan(found["log_period"][0])
    assert np.isnan(found["amplitude"][0])
    assert np.isfinite(found.values).any()


def test_no_stars_and_foreign_periods(rr_lyrae):
    _, light_curves, periods = rr_lyrae
    with pytest.raises(InputError, match="not of the same stars"):
        extract(light_curves.star(0), periods)


def test_table_columns_and_joins(rr_lyrae):
    _, light_curves, periods = rr_lyrae
    found = extract(light_curves, periods)
    two = found.columns(["r21", "amplitude"])
    assert two.names == ("r21", "amplitude")
    with pytest.raises(InputError, match=r"no feature 'mag_r'.*same bands and groups"):
        found.columns(["mag_r"])
    joined = FeatureTable.concatenate([found.take([0, 1]), found.take([2])])
    np.testing.assert_array_equal(joined.values, found.values[:3])
    assert set(DEFAULT_GROUPS) < set(FEATURE_GROUPS)

"""Points of one star as relative fluxes, and what its colours are worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.inference.matching import GroupDesign, match, point_sums
from pelsvae_cadence.inference.points import EBV_SCATTER, expected_offsets, offset_precision, star_points
from pelsvae_cadence.light_curves import LightCurves
from tests.inference.stars_of_bank import group, member_light_curves

LN_FLUX = 0.4 * np.log(10.0)


def with_points(light_curves: LightCurves, **changes: np.ndarray) -> LightCurves:
    """The same points with other columns; magnitudes follow."""
    columns = {name: getattr(light_curves, name) for name in ("mjd", "band", "flux", "flux_err", "saturated")}
    return LightCurves(star_id=light_curves.star_id, offsets=light_curves.offsets, **{**columns, **changes})


def test_values_are_relative_to_the_mean_of_each_band():
    light_curves = member_light_curves(group("RRab"), 300, n=30, noise=0.01)
    star = star_points(light_curves, 0)
    assert star.bands == ("g", "r", "i")
    assert star.n_excluded == 0
    assert star.time.mean() == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(star.time + star.zero, light_curves.mjd)
    assert star.span == pytest.approx(np.ptp(light_curves.mjd))
    for b in range(3):
        flux = light_curves.flux[light_curves.band == star.bands[b]]
        np.testing.assert_allclose(star.value[star.band == b], flux / star.mean_flux[b] - 1.0)
        assert abs(star.mean_flux[b] / flux.mean() - 1.0) < 0.05
        assert star.mean_mag[b] == pytest.approx(31.4 - 2.5 * np.log10(star.mean_flux[b]), abs=1e-3)
    assert star.scatter == pytest.approx(star.value.std(), rel=0.3)


def test_points_without_use_are_left_out_and_counted():
    light_curves = member_light_curves(group("RRab"), 300, n=30)
    flux, error = light_curves.flux.copy(), light_curves.flux_err.copy()
    saturated = np.zeros(30, dtype=bool)
    saturated[[0, 1]] = True
    flux[2], error[3], error[4], flux[5], error[6] = np.nan, np.nan, 0.0, 1e30, -1.0
    damaged = with_points(light_curves, flux=flux, flux_err=error, saturated=saturated)
    star = star_points(damaged, 0)
    assert star.n_excluded == 7
    np.testing.assert_allclose(star.time + star.zero, light_curves.mjd[7:])
    clean = star_points(
        LightCurves(
            star_id=np.array([1]),
            offsets=np.array([0, 23]),
            mjd=light_curves.mjd[7:],
            band=light_curves.band[7:],
            flux=light_curves.flux[7:],
            flux_err=light_curves.flux_err[7:],
        ),
        0,
    )
    np.testing.assert_array_equal(star.value, clean.value)
    np.testing.assert_array_equal(star.error, clean.error)


def test_a_star_without_any_usable_point_has_none():
    light_curves = member_light_curves(group("RRab"), 300, n=6)
    star = star_points(with_points(light_curves, flux_err=np.zeros(6)), 0)
    assert star.time.size == 0
    assert star.bands == ()
    assert star.span == 0.0
    assert star.n_excluded == 6


def test_a_band_below_detection_has_no_colour():
    shapes = group("RRab")
    light_curves = member_light_curves(shapes, 300, n=30, noise=0.02)
    rng = np.random.default_rng(4)
    faint = light_curves.band == "g"
    flux, error = light_curves.flux.copy(), light_curves.flux_err.copy()
    error[faint] = flux[faint].mean()
    flux[faint] = error[faint] * rng.standard_normal(faint.sum())
    star = star_points(with_points(light_curves, flux=flux, flux_err=error), 0)
    assert np.isnan(star.mean_mag).tolist() == [True, False, False]
    assert star.unit[0] > star.mean_flux[0]
    np.testing.assert_allclose(star.unit[1:], star.mean_flux[1:])
    assert expected_offsets(star, shapes.mean_mag[300])[0] == 0.0
    # Its offset is next to free, those of the others are not.
    covariance = np.linalg.inv(offset_precision(star.bands, np.isfinite(star.mean_mag), "RRLYR", True))
    free = np.array([1.0, -1.0, 0.0]), np.array([0.0, 1.0, -1.0])
    assert free[0] @ covariance @ free[0] > 4.0
    assert free[1] @ covariance @ free[1] < 0.1


def test_expected_offsets_are_what_colours_leave_at_the_mean_distance():
    shapes = group("RRab")
    star = star_points(member_light_curves(shapes, 300, n=60, noise=0.005), 0)
    own = expected_offsets(star, shapes.mean_mag)
    np.testing.assert_allclose(own.sum(axis=1), 0.0, atol=1e-9)
    np.testing.assert_allclose(
        expected_offsets(star, shapes.mean_mag + 3.2), own, atol=1e-9
    )  # distances do not count
    assert np.abs(own[300]).max() < 0.1
    redder = shapes.mean_mag[300] + np.array([0.3, 0.0, -0.3])
    np.testing.assert_allclose(
        expected_offsets(star, redder) - own[300], LN_FLUX * np.array([-0.3, 0.0, 0.3]), atol=1e-9
    )


def test_colours_vary_as_dust_and_calibration_let_them():
    known = np.ones(3, dtype=bool)
    covariance = np.linalg.inv(offset_precision(("g", "r", "i"), known, "RRLYR", True)) / LN_FLUX**2
    colour = np.array([1.0, 0.0, -1.0])
    variance = colour @ covariance @ colour
    # E(B-V) = 0.1 reddens g - i by about 0.15 mag; other causes are of the order of 0.1.
    assert (1.2 * EBV_SCATTER) ** 2 < variance < (4.0 * EBV_SCATTER) ** 2
    free = np.linalg.inv(offset_precision(("g", "r", "i"), known, "RRLYR", False)) / LN_FLUX**2
    assert colour @ free @ colour > 100.0 * variance
    miras = np.linalg.inv(offset_precision(("g", "r", "i"), known, "LPV", True)) / LN_FLUX**2
    assert colour @ miras @ colour > variance
    unknown = np.linalg.inv(offset_precision(("g", "r", "odd"), known, "RRLYR", True)) / LN_FLUX**2
    assert colour @ unknown @ colour > 5.0


@settings(derandomize=True, deadline=None, max_examples=15)
@given(factor=st.floats(-4.0, 4.0).map(lambda x: 10.0**x))
def test_the_unit_of_flux_does_not_matter(factor):
    shapes = group("RRc")
    light_curves = member_light_curves(shapes, 150, n=20)
    scaled = with_points(
        light_curves, flux=light_curves.flux * factor, flux_err=light_curves.flux_err * factor
    )
    design = GroupDesign.of(shapes.take(np.arange(140, 160)))
    frequency = np.exp(-shapes.ln_period[[150]])
    found = []
    for one in (light_curves, scaled):
        star = star_points(one, 0)
        weight = star.with_model_error(0.1) ** -2.0
        sums = point_sums(star, weight, frequency, design.n_harmonics)
        found.append((star, match(star, weight, sums, design)[0]))
    (star, evidence), (other, same) = found
    np.testing.assert_allclose(other.value, star.value, atol=1e-9)
    np.testing.assert_allclose(other.error, star.error, rtol=1e-9)
    np.testing.assert_allclose(other.unit, star.unit * factor)
    np.testing.assert_allclose(same, evidence, atol=1e-3)


def test_errors_of_the_model_are_shared_by_points_of_one_phase():
    few = star_points(member_light_curves(group("RRc"), 150, n=30), 0)
    np.testing.assert_allclose(few.with_model_error(0.1) ** 2, few.error**2 + (0.1 * few.scatter) ** 2)
    many = star_points(member_light_curves(group("RRc"), 150, n=1200, span=4000.0), 0)
    exact = replace(many, error=np.full(1200, 1e-9))
    total = (exact.with_model_error(0.1) ** -2.0).sum()
    # 400 points of each of three bands are worth twenty.
    assert total**-0.5 == pytest.approx(0.1 * many.scatter / np.sqrt(60.0), rel=1e-6)

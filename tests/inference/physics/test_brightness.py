"""Mean magnitudes come from the points, whatever phases these are at."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.inference.modes import Mode
from pelsvae_cadence.inference.physics.brightness import observed_brightness, peak_to_peak
from pelsvae_cadence.inference.points import star_points
from tests.inference.stars_of_bank import BANDS, START, group, member_light_curves

MEMBER = 300


def mode(star, size: float = 1.0) -> Mode:
    shapes = group("RRab")
    frequency = float(np.exp(-shapes.ln_period[MEMBER]))
    return Mode(
        log_evidence=0.0,
        frequency=frequency,
        frequency_error=1e-5,
        group=0,
        member=MEMBER,
        phase=float((star.zero - START) * frequency),
        curves=size * shapes.harmonics[MEMBER].astype(np.complex128),
        offset=np.zeros(len(BANDS)),
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_means_are_those_of_the_curve_not_of_the_points(seed):
    shapes = group("RRab")
    truth = shapes.mean_mag[MEMBER] - shapes.mean_mag[MEMBER].mean() + 17.0
    star = star_points(member_light_curves(shapes, MEMBER, n=30, span=60.0, seed=seed), 0)
    (found,) = observed_brightness(star, [mode(star)])
    rest = found.mean_mag - truth
    error = np.sqrt(np.diag(found.covariance))
    assert (np.abs(rest) < 4.0 * error).all()
    # Ten points a band at random phases miss the mean by some tenth of the amplitude.
    plain = star.mean_mag - truth
    assert np.sqrt(np.mean(rest**2)) < np.sqrt(np.mean(plain**2))
    assert (error < 0.03).all()


def test_a_curve_of_half_the_size_is_found_to_be_too_small():
    star = star_points(member_light_curves(group("RRab"), MEMBER, n=60, span=60.0), 0)
    (found,) = observed_brightness(star, [mode(star, 0.5)])
    assert found.size == pytest.approx(2.0, abs=5.0 * found.size_error)
    assert found.size_error < 0.1


def test_a_band_without_detections_has_no_mean():
    curves = member_light_curves(group("RRab"), MEMBER, n=60, span=60.0, noise=0.02)
    flux = np.where(curves.band == "g", 0.001 * curves.flux, curves.flux)
    star = star_points(
        type(curves)(
            star_id=curves.star_id,
            offsets=curves.offsets,
            mjd=curves.mjd,
            band=curves.band,
            flux=flux,
            flux_err=curves.flux_err,
        ),
        0,
    )
    (found,) = observed_brightness(star, [mode(star)])
    assert np.isnan(found.mean_mag[0])
    assert np.isfinite(found.mean_mag[1:]).all()


def test_amplitude_in_magnitudes():
    # Flux 1 +- 0.3: c_1 = 0.15.
    assert peak_to_peak(np.array([0.0, 0.15])) == pytest.approx(2.5 * np.log10(1.3 / 0.7), rel=1e-6)

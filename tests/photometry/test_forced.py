"""Forced photometry: what light curves hold of fluxes."""

import numpy as np

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.photometry.forced import forced_photometry

VISITS = Visits(
    mjd=60000.0 + np.arange(3), band=["g", "r", "g"], m5=24.0, night=0, visit_id=[7, 8, 9], exptime=30.0
)


def test_points_below_five_sigma_keep_their_flux_and_have_no_magnitude():
    flux = np.array([[100.0, 51.0, 50.0], [-3.0, 0.0, 1e4]])
    found = forced_photometry(np.array([4, 2]), VISITS, np.full((2, 3), 22.0), flux, np.full((2, 3), 10.0))
    np.testing.assert_array_equal(found.flux, flux.ravel())
    np.testing.assert_array_equal(found.detected, [True, True, False, False, False, True])
    np.testing.assert_array_equal(np.isfinite(found.mag), found.detected)
    np.testing.assert_array_equal(found.mag[found.detected], flux_to_mag(found.flux[found.detected]))
    np.testing.assert_allclose(found.mag_err[0], 2.5 * np.log10(1.1))
    assert not found.saturated.any()
    np.testing.assert_array_equal(found.star(1).visit_id, VISITS.visit_id)


def test_points_are_kept_star_by_star():
    flux = np.arange(6.0).reshape(2, 3)
    found = forced_photometry(np.array([4, 2]), VISITS, flux, flux, np.ones((2, 3)))
    some = found.keep(np.array([True, False, True, False, False, False]))
    np.testing.assert_array_equal(some.offsets, [0, 2, 2])
    np.testing.assert_array_equal(some.flux, [0.0, 2.0])
    np.testing.assert_array_equal(some.star_id, found.star_id)

"""AB magnitudes and fluxes."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.core.flux import flux_to_mag, mag_to_flux


def test_flux_and_magnitude_are_inverse():
    mag = np.linspace(10, 30, 41)
    np.testing.assert_allclose(flux_to_mag(mag_to_flux(mag)), mag, rtol=1e-13)
    # AB: 3631 Jy at magnitude 0; 8.9 is 1 Jy, 31.4 is 1 nJy (Oke & Gunn 1983).
    np.testing.assert_allclose(mag_to_flux(31.4), 1.0, rtol=1e-4)
    assert np.isnan(flux_to_mag([0.0, -1.0])).all()

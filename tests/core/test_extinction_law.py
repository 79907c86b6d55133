"""The extinction table against the law itself, integrated through filter curves of other packages."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.extinction import EXTINCTION, TrueEBV, extinction

FILTERS = {
    **{band: f"lsst2023-{band}" for band in "ugrizy"},
    "V": "bessell-V",
    "I": "bessell-I",
    "G": "gaiadr2-G",
}


def _integrated(band: str, teff: float, ebv: float) -> float:
    """A_band of a black body behind dust of Fitzpatrick (1999), R_V = 3.1, photon-counting."""
    import astropy.units as u
    from astropy.modeling.physical_models import BlackBody
    from dust_extinction.parameter_averages import F99
    from speclite.filters import load_filter

    curve = load_filter(FILTERS[band])
    wavelength = curve.wavelength * u.AA
    photons = (
        BlackBody(teff * u.K)(wavelength).to_value(
            "erg / (s cm2 AA sr)", equivalencies=u.spectral_density(wavelength)
        )
        * curve.wavelength
        * curve.response
    )
    seen = photons * F99(Rv=3.1).extinguish(wavelength, Ebv=ebv)
    return float(
        -2.5 * np.log10(np.trapezoid(seen, curve.wavelength) / np.trapezoid(photons, curve.wavelength))
    )


@pytest.mark.parametrize("band", list(FILTERS))
def test_coefficients_are_those_of_the_law(band: str) -> None:
    pytest.importorskip("dust_extinction")
    pytest.importorskip("speclite")
    # A black body is no Kurucz spectrum (3 % in the broad G), and I filters differ by 3 %.
    assert _integrated(band, 7000.0, 0.1) / 0.1 == pytest.approx(EXTINCTION[band], rel=0.035)


@pytest.mark.parametrize("band", list(FILTERS))
def test_thick_dust_and_cool_stars_lose_less_in_blue_and_broad_bands(band: str) -> None:
    pytest.importorskip("dust_extinction")
    pytest.importorskip("speclite")
    for teff, ebv in ((7000.0, 2.0), (4500.0, 0.1)):
        ours = float(extinction(band, TrueEBV(np.array(ebv)), teff))
        assert ours / ebv == pytest.approx(_integrated(band, teff, ebv) / ebv, rel=0.08)

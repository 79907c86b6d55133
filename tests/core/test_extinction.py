"""The two meanings of E(B-V) cannot be mixed; the table against the law integrated through filter curves."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import EXTINCTION, RawSFD, TrueEBV, extinction
from tests.test_stars import make

FILTERS = {
    **{band: f"lsst2023-{band}" for band in "ugrizy"},
    "V": "bessell-V",
    "I": "bessell-I",
    "G": "gaiadr2-G",
}


def test_conversion():
    np.testing.assert_allclose(RawSFD([0.1, 1.0]).to_true().value, [0.086, 0.86])
    np.testing.assert_allclose(TrueEBV(0.3 * u.mag).value, 0.3)


def test_a_raw_map_value_is_refused_everywhere():
    with pytest.raises(InputError, match=r"raw SFD map value.*to_true"):
        make(ebv=RawSFD(0.1))
    with pytest.raises(InputError, match=r"raw SFD map value.*to_true"):
        extinction("r", RawSFD(0.1))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="ebv is a float; allowed: TrueEBV"):
        extinction("r", 0.1)  # type: ignore[arg-type]
    np.testing.assert_allclose(make(ebv=TrueEBV(0.2)).ebv, 0.2)
    np.testing.assert_allclose(make(ebv=RawSFD(0.2).to_true()).ebv, 0.172)


def test_mixing_would_cost_what_the_module_says():
    # Schlafly & Finkbeiner (2011), table 6, R_V = 3.1, per raw SFD value.
    published = {"u": 4.145, "g": 3.237, "r": 2.273, "i": 1.684, "z": 1.323, "y": 1.088}
    for band, coefficient in published.items():
        ours = 10.0 * extinction(band, RawSFD(0.1).to_true())
        assert ours == pytest.approx(coefficient, rel=0.05)
        assert EXTINCTION[band] / coefficient > 1.10


def test_values_that_are_no_colour_excess():
    for kind in (TrueEBV, RawSFD):
        with pytest.raises(InputError, match=r"= -0\.1 mag"):
            kind([0.1, -0.1])
        with pytest.raises(InputError, match="nan"):
            kind(np.nan)
    with pytest.raises(InputError, match="unknown band 'J'"):
        extinction("J", TrueEBV(0.1))


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

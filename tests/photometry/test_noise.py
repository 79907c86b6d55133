"""The error model, against rubin_sim, photerr and its own definition."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.bands import BANDS, LSST_BANDS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag, mag_to_flux
from pelsvae_cadence.photometry.noise import (
    GAMMA,
    SYSTEMATIC,
    flux_error,
    mag_error,
    saturation_magnitude,
    upper_limit,
)


@pytest.mark.parametrize("band", LSST_BANDS)
def test_noise_to_signal_is_a_fifth_at_the_depth(band):
    flux = mag_to_flux(24.0)
    assert flux_error(flux, 24.0, band, systematic=False) / flux == pytest.approx(0.2, rel=1e-12)


@pytest.mark.maf
@pytest.mark.parametrize("band", LSST_BANDS)
def test_agrees_with_rubin_sim(band, maf_ready):
    from rubin_sim.phot_utils import PhotometricParameters, calc_mag_error_m5

    mag = np.linspace(15.0, 26.0, 45)
    for floor in (False, True):
        parameters = PhotometricParameters(bandpass=band, sigma_sys=SYSTEMATIC[band] if floor else 0.0)
        # The bandpass itself is not used when gamma is given.
        theirs = [calc_mag_error_m5(m, None, 24.0, parameters, gamma=GAMMA[band])[0] for m in mag]
        np.testing.assert_allclose(mag_error(mag, 24.0, band, systematic=floor), theirs, rtol=0.01)


def test_agrees_with_photerr():
    pd = pytest.importorskip("pandas")
    photerr = pytest.importorskip("photerr")
    # One visit a year for one year: photerr's coadded error is then the single visit's.
    model = photerr.LsstErrorModel(
        nYrObs=1,
        nVisYr=1,
        sigmaSys=0.005,
        m5=dict.fromkeys(LSST_BANDS, 24.0),
        gamma={b: GAMMA[b] for b in LSST_BANDS},
        sigLim=0,
        decorrelate=False,
    )
    mag = np.linspace(16.5, 24.5, 33)
    frame = pd.DataFrame(dict.fromkeys(LSST_BANDS, mag))
    theirs = model(frame, random_state=0)
    for band in ("g", "r", "i"):  # their one floor is the LSST requirement in these
        error = theirs[f"{band}_err"].to_numpy()
        np.testing.assert_allclose(mag_error(mag, 24.0, band), error, rtol=0.01)


def test_floor_and_faint_end():
    bright = mag_error(16.0, 24.0, "r")
    assert bright == pytest.approx(2.5 * np.log10(1 + 0.005 * np.log(10) / 2.5), rel=0.05)
    assert flux_error(0.0, 24.0, "r") > 0.0
    # Deeper is better, brighter is better.
    assert mag_error(22.0, 25.0, "r") < mag_error(22.0, 24.0, "r") < mag_error(23.0, 24.0, "r")


def test_saturation():
    assert saturation_magnitude("r", 30.0) == pytest.approx(15.9)
    assert saturation_magnitude("r", 15.0) == pytest.approx(15.9 - 0.7526, abs=1e-3)
    # rubin_sim's SaturationStacker at seeing 1.4 times the fiducial: 15.1 to 15.2 in r.
    assert saturation_magnitude("r", 30.0, 1.4 * 0.93) == pytest.approx(15.1, abs=0.1)
    assert saturation_magnitude(["zg", "r"], [30.0, 30.0]).tolist() == [12.5, 15.9]


def test_the_limit_of_what_is_not_seen_is_the_depth():
    # A source at the five-sigma depth has the error of an empty sky, but for its own photons.
    limit = upper_limit(flux_error(0.0, 24.0, "r", systematic=False))
    assert limit == pytest.approx(24.0, abs=0.03)
    assert upper_limit(10.0, n_sigma=3.0) == flux_to_mag(30.0)
    for arguments in ((0.0,), (10.0, -5.0)):
        with pytest.raises(InputError, match=r"allowed: > 0"):
            upper_limit(*arguments)


def test_impossible_exposures():
    with pytest.raises(InputError, match=r"exptime = -30 s; allowed: > 0 s"):
        saturation_magnitude("r", -30.0)
    with pytest.raises(InputError, match=r"seeing = 0 arcsec; allowed: > 0 arcsec"):
        saturation_magnitude("r", 30.0, 0.0)


@pytest.mark.parametrize("function", [mag_error, flux_error])
def test_unknown_band(function):
    with pytest.raises(InputError, match=f"unknown band 'B'.*{', '.join(BANDS)}"):
        function(20.0, 24.0, "B")

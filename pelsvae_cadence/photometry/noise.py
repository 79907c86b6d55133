"""Photometric noise and saturation: what a visit adds to a star."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import DETECTION_SNR, flux_to_mag, mag_to_flux

__all__ = [
    "GAMMA",
    "SATURATION",
    "SYSTEMATIC",
    "error_model",
    "fiducial_seeing",
    "flux_error",
    "mag_error",
    "saturation_magnitude",
    "upper_limit",
]

FloatArray = npt.NDArray[np.float64]

#: Sky-noise parameter of Ivezic et al. (2019, ApJ 873, 111) eq. 5: LSST values of the system
#: engineering (rubin_scheduler ``SysEngVals``); the same 0.039 is used for ZTF.
GAMMA: Final[dict[str, float]] = {
    "u": 0.0375,
    "g": 0.0387,
    "r": 0.0390,
    "i": 0.0392,
    "z": 0.0393,
    "y": 0.0393,
    "zg": 0.039,
    "zr": 0.039,
    "zi": 0.039,
}

#: Systematic floor in mag. LSST: requirement of the science requirements document (LPM-17, 5 mmag
#: in g r i, 7.5 in u z y). ZTF: calibration floor of Masci et al. (2019, PASP 131, 018003).
SYSTEMATIC: Final[dict[str, float]] = {
    "u": 0.0075,
    "g": 0.005,
    "r": 0.005,
    "i": 0.005,
    "z": 0.0075,
    "y": 0.0075,
    "zg": 0.010,
    "zr": 0.010,
    "zi": 0.012,
}

#: Magnitude at which a point source saturates in one 30 s exposure at fiducial seeing. LSST: 150 ke-
#: full well, airmass 1.2, dark sky, with rubin_sim's ``SaturationStacker``. ZTF: 12.5.
SATURATION: Final[dict[str, float]] = {
    "u": 13.7,
    "g": 15.9,
    "r": 15.9,
    "i": 15.8,
    "z": 15.5,
    "y": 14.5,
    "zg": 12.5,
    "zr": 12.5,
    "zi": 12.5,
}

# Effective seeing (FWHM, arcsec) behind SATURATION: rubin_scheduler's fiducial values at airmass
# 1.2, and the ZTF medians (Masci et al. 2019).
_FIDUCIAL_SEEING: Final[dict[str, float]] = {
    "u": 1.03,
    "g": 0.97,
    "r": 0.93,
    "i": 0.89,
    "z": 0.87,
    "y": 0.85,
    "zg": 2.1,
    "zr": 2.0,
    "zi": 2.1,
}


def error_model(bands: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Give what the errors of bands are made of, for those of any instrument.

    Parameters
    ----------
    bands : sequence of str, shape (B,)
        Bands; those of other instruments have the sky noise of a CCD and no floor beneath their errors.

    Returns
    -------
    gamma : ndarray of float64, shape (B,)
        `GAMMA`.
    floor : ndarray of float64, shape (B,)
        `SYSTEMATIC`, as a fraction of the flux.
    """
    gamma = np.array([GAMMA.get(name, 0.039) for name in bands])
    return gamma, np.array([SYSTEMATIC.get(name, 0.0) for name in bands]) * (np.log(10.0) / 2.5)


def _lookup(table: dict[str, float], band: npt.ArrayLike) -> FloatArray:
    names, inverse = np.unique(np.asarray(band).astype(str), return_inverse=True)
    for name in names.tolist():
        if name not in table:
            raise InputError(f"unknown band {name!r}", allowed=", ".join(BANDS))
    values = np.array([table[name] for name in names.tolist()], dtype=np.float64)
    return values[inverse].reshape(np.shape(band))


def _positive(name: str, value: npt.ArrayLike, unit: str) -> None:
    array = np.asarray(value, dtype=np.float64)
    if not (array > 0.0).all():
        bad = array[~(array > 0.0)].flat[0]
        raise InputError(f"{name} = {bad:g} {unit}", allowed=f"> 0 {unit}")


def flux_error(
    flux: npt.ArrayLike, m5: npt.ArrayLike, band: npt.ArrayLike, *, systematic: bool = True
) -> FloatArray:
    r"""Give the error of a flux measurement at a visit of known depth.

    .. math::
        \left(\frac{N}{S}\right)^2 = (0.04-\gamma)\,x + \gamma x^2,\qquad x = 10^{0.4(m-m_5)}

    which in flux, with :math:`F_5` the flux at the five-sigma depth, is
    :math:`\sigma_F^2 = (0.04-\gamma) F_5 F + \gamma F_5^2`. The systematic floor is added in
    quadrature.

    Parameters
    ----------
    flux : array_like
        Noise-free fluxes in nJy, 0 or more.
    m5 : array_like
        Five-sigma depths of the visits, AB mag.
    band : array_like of str
        Bands.
    systematic : bool
        Add the systematic floor `SYSTEMATIC`.

    Returns
    -------
    ndarray of float64
        Standard deviations in nJy.

    Raises
    ------
    InputError
        For an unknown band.

    References
    ----------
    Ivezic et al. 2019, ApJ 873, 111, eq. 4 and 5 (eq. 5 gives the noise-to-signal ratio).
    """
    signal = np.asarray(flux, dtype=np.float64)
    f5 = mag_to_flux(m5)
    gamma = _lookup(GAMMA, band)
    variance = (0.04 - gamma) * f5 * signal + gamma * f5 * f5
    if systematic:
        floor = _lookup(SYSTEMATIC, band) * (np.log(10.0) / 2.5)
        variance = variance + (floor * signal) ** 2
    return np.asarray(np.sqrt(variance))


def mag_error(
    mag: npt.ArrayLike, m5: npt.ArrayLike, band: npt.ArrayLike, *, systematic: bool = True
) -> FloatArray:
    """Give the magnitude error 2.5 log10(1 + N/S), the convention of rubin_sim.

    Parameters
    ----------
    mag : array_like
        Noise-free AB magnitudes.
    m5 : array_like
        Five-sigma depths of the visits, AB mag.
    band : array_like of str
        Bands.
    systematic : bool
        Add the systematic floor `SYSTEMATIC` in quadrature to N/S.

    Returns
    -------
    ndarray of float64
        Magnitude errors in mag.

    Raises
    ------
    InputError
        For an unknown band.

    References
    ----------
    Ivezic et al. 2019, ApJ 873, 111, eq. 4 and 5.
    """
    flux = mag_to_flux(mag)
    noise_to_signal = flux_error(flux, m5, band, systematic=systematic) / flux
    return np.asarray(2.5 * np.log10(1.0 + noise_to_signal))


def fiducial_seeing(band: npt.ArrayLike) -> FloatArray:
    """Give the seeing that applies where a survey states none.

    Parameters
    ----------
    band : array_like of str, shape (n_visits,)
        Bands.

    Returns
    -------
    ndarray of float64, shape (n_visits,)
        Effective seeing (FWHM) in arcsec.

    Raises
    ------
    InputError
        For an unknown band.
    """
    return _lookup(_FIDUCIAL_SEEING, band)


def upper_limit(flux_err: npt.ArrayLike, n_sigma: float = DETECTION_SNR) -> FloatArray:
    """Give the limiting magnitude of a measurement that is no detection.

    Parameters
    ----------
    flux_err : array_like
        Errors of the forced fluxes in nJy, above 0.
    n_sigma : float
        Signal-to-noise ratio of the limit, above 0: that of a detection by default.

    Returns
    -------
    ndarray of float64
        AB magnitudes of a source of `n_sigma` times the error.

    Raises
    ------
    InputError
        If an error or `n_sigma` is not positive.

    References
    ----------
    Masci et al. 2019, PASP 131, 018003 and the ZTF forced-photometry guide: limits of 5 sigma.
    """
    _positive("flux_err", flux_err, "nJy")
    _positive("n_sigma", n_sigma, "sigma")
    return flux_to_mag(n_sigma * np.asarray(flux_err, dtype=np.float64))


def saturation_magnitude(
    band: npt.ArrayLike, exptime: npt.ArrayLike, seeing: npt.ArrayLike | None = None
) -> FloatArray:
    """Give the magnitude above which a point source saturates.

    Parameters
    ----------
    band : array_like of str, shape (n_visits,)
        Bands.
    exptime : array_like, shape (n_visits,)
        Exposure times in s (of one snap, where a visit has several).
    seeing : array_like, shape (n_visits,), optional
        Effective seeing (FWHM) in arcsec; the fiducial value if not given.

    Returns
    -------
    ndarray of float64, shape (n_visits,)
        AB magnitudes; brighter stars are saturated.

    Raises
    ------
    InputError
        For an unknown band, or exposure times or seeing that are not positive.

    Notes
    -----
    The charge in the brightest pixel grows as exposure time over seeing squared:
    ``SATURATION + 2.5 log10(t / 30 s) - 5 log10(seeing / fiducial)``.
    """
    _positive("exptime", exptime, "s")
    limit = _lookup(SATURATION, band) + 2.5 * np.log10(np.asarray(exptime, dtype=np.float64) / 30.0)
    if seeing is not None:
        _positive("seeing", seeing, "arcsec")
        ratio = np.asarray(seeing, dtype=np.float64) / _lookup(_FIDUCIAL_SEEING, band)
        limit = limit - 5.0 * np.log10(ratio)
    return limit

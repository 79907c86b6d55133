"""Amplitudes and phases of one star in different bands."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS, STANDARD_BANDS, filter_wavelength
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.photometry.binaries import ellipsoidal_ratio
from pelsvae_cadence.photometry.rr_lyrae import U_FILTER, is_first_overtone, rr_lyrae_ratio

__all__ = ["amplitude_ratio", "amplitude_uncertainty", "phase_lag"]

FloatArray = npt.NDArray[np.float64]

# Peak-to-peak amplitude in a band over that in Cousins I. Pulsators: temperature swing of ATLAS9
# atmospheres plus a grey radius term, A_b / A_I = (rho_b + c) / (1 + c), with c between 0 (Cepheids)
# and 0.2 (anomalous Cepheids); the same model meets RR Lyrae stars of Stripe 82 within 2 %. V is
# interpolated between g and r. Miras: estimates, of which the ATLAS9 swing of 3,500 to 4,000 K is
# the lower bound. Eclipses have their own treatment; what is left is limb darkening.
_RATIO_BANDS: Final = ("u", "g", "r", "i", "z", "y", "zg", "zr", "zi", "V", "I", "G")
_RATIOS: Final[dict[str, tuple[float, ...]]] = {
    "CEP": (2.5, 1.95, 1.34, 1.05, 0.94, 0.89, 1.95, 1.28, 1.00, 1.62, 1.0, 1.37),
    "CEP, P > 10 d": (2.8, 1.80, 1.27, 1.04, 0.93, 0.83, 1.80, 1.23, 1.00, 1.55, 1.0, 1.30),
    "T2CEP, P < 4 d": (2.4, 1.94, 1.35, 1.06, 0.94, 0.90, 1.94, 1.29, 1.00, 1.62, 1.0, 1.38),
    "T2CEP": (2.8, 1.80, 1.28, 1.05, 0.92, 0.84, 1.81, 1.24, 1.00, 1.55, 1.0, 1.31),
    "ACEP": (2.0, 1.83, 1.32, 1.05, 0.95, 0.94, 1.83, 1.27, 1.00, 1.55, 1.0, 1.35),
    "DSCT": (1.9, 1.92, 1.36, 1.06, 0.91, 0.92, 1.92, 1.31, 0.99, 1.62, 1.0, 1.39),
    "LPV": (2.0, 2.2, 1.6, 1.15, 0.8, 0.7, 2.2, 1.5, 1.0, 1.9, 1.0, 1.4),
    "ECL": (1.03, 1.02, 1.0, 1.0, 1.0, 1.0, 1.02, 1.0, 1.0, 1.01, 1.0, 1.0),
}

# Relative scatter or uncertainty of the ratios, one sigma. RR Lyrae: scatter of the measured stars.
_UNCERTAINTY: Final = {
    "RRLYR": 0.06,
    "CEP": 0.10,
    "T2CEP": 0.15,
    "ACEP": 0.08,
    "DSCT": 0.08,
    "LPV": 0.25,
    "ELL": 0.07,
    "ECL": 0.05,
}

# Lag of the light curve per unit of ln(wavelength), in cycles. Cepheids: maximum light in I comes
# 0.02 to 0.04 of a cycle after that in V (Freedman 1988, ApJ 326, 691; Labhardt, Sandage & Tammann
# 1997, A&A 322, 751): 0.03 over ln(798/551). Miras: 0.05 to 0.1 from the optical to K (Iwanek et
# al. 2021, ApJ 919, 99): 0.075 over ln(2200/798). Others: not known, or part of the shapes (RR Lyrae).
_LAG: Final = {"CEP": 0.081, "LPV": 0.074}


def _check(band: str) -> None:
    if band not in _RATIO_BANDS:
        raise InputError(f"unknown band {band!r}", allowed=", ".join((*BANDS, *STANDARD_BANDS)))


def amplitude_ratio(
    band: str,
    star_class: npt.ArrayLike,
    subtype: npt.ArrayLike,
    period: npt.ArrayLike,
    *,
    amplitude_i: npt.ArrayLike = 0.5,
    teff: npt.ArrayLike = 5000.0,
) -> FloatArray:
    """Give the amplitude in a band over the amplitude in Cousins I.

    Parameters
    ----------
    band : str
        A band out of `pelsvae_cadence.bands.BANDS`, or ``"V"``, ``"I"``, ``"G"``.
    star_class, subtype : array_like of str, shape (N,)
        Classes and subtypes.
    period : array_like, shape (N,)
        Periods in days.
    amplitude_i : array_like, shape (N,)
        Peak-to-peak I amplitudes in mag; used for RR Lyrae stars.
    teff : array_like, shape (N,)
        Effective temperatures in K; used for ellipsoidal variables.

    Returns
    -------
    ndarray of float64, shape (N,)
        Amplitude ratios.

    Raises
    ------
    InputError
        For an unknown band.

    Notes
    -----
    RR Lyrae: measured (`pelsvae_cadence.photometry.rr_lyrae`); a star without subtype counts as RRc below
    0.45 d. Ellipsoidal variables: `pelsvae_cadence.photometry.binaries.ellipsoidal_ratio`. Eclipses: limb
    darkening only; the depths in each band follow from the light curve and come from
    `pelsvae_cadence.photometry.band_curves.band_curves`.
    """
    _check(band)
    classes, subtypes, periods, size, temperature = np.broadcast_arrays(
        np.asarray(star_class),
        np.asarray(subtype),
        np.asarray(period, dtype=np.float64),
        np.asarray(amplitude_i, dtype=np.float64),
        np.asarray(teff, dtype=np.float64),
    )
    shape = classes.shape
    classes, subtypes, periods, size, temperature = (
        v.ravel() for v in (classes, subtypes, periods, size, temperature)
    )
    ratio = np.empty(classes.size)
    column = _RATIO_BANDS.index(band)
    rrc = is_first_overtone(subtypes, periods)
    for name in np.unique(classes).tolist():
        mine = classes == name
        if name == "RRLYR":
            for kind, chosen in (("RRab", mine & ~rrc), ("RRc", mine & rrc)):
                value = rr_lyrae_ratio(filter_wavelength(band), kind, size[chosen], periods[chosen])
                ratio[chosen] = value * (U_FILTER if band == "u" else 1.0)
        elif name == "ELL":
            ratio[mine] = ellipsoidal_ratio(band, temperature[mine])
        else:
            ratio[mine] = _RATIOS[name][column]
    for name, key, chosen in (
        ("CEP", "CEP, P > 10 d", periods > 10.0),
        ("T2CEP", "T2CEP, P < 4 d", periods < 4.0),
    ):
        ratio[(classes == name) & chosen] = _RATIOS[key][column]
    return ratio.reshape(shape)


def amplitude_uncertainty(star_class: str) -> float:
    """Give the relative uncertainty of `amplitude_ratio`, one sigma.

    Parameters
    ----------
    star_class : str
        Class.

    Returns
    -------
    float
        Relative uncertainty of the ratio in any band but I: 0.25 for Miras, 0.05 to 0.15 for the
        others.

    Raises
    ------
    InputError
        For an unknown class.
    """
    if star_class not in _UNCERTAINTY:
        raise InputError(f"unknown star class {star_class!r}", allowed=", ".join(_UNCERTAINTY))
    return _UNCERTAINTY[star_class]


def phase_lag(band: str, star_class: npt.ArrayLike) -> FloatArray:
    """Give the phase by which the light curve in a band follows that in Cousins I.

    Parameters
    ----------
    band : str
        A band, as for `amplitude_ratio`.
    star_class : array_like of str, shape (N,)
        Classes.

    Returns
    -------
    ndarray of float64, shape (N,)
        Lag in cycles: negative in the blue for Cepheids and Miras, 0 for the others.

    Raises
    ------
    InputError
        For an unknown band.
    """
    _check(band)
    classes = np.asarray(star_class)
    depth = float(np.log(filter_wavelength(band) / filter_wavelength("I")))
    lag = np.zeros(classes.shape)
    for name, slope in _LAG.items():
        lag[classes == name] = slope * depth
    return lag

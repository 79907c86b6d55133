"""Physical labels: distance, extinction, Teff, absolute magnitude and metallicity from OGLE V, I.

Every relation states its source. Numbers marked "measured here" were fitted to the OGLE-III
catalogue by this module; "engineering" marks an estimate that no data of ours can check.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError

__all__ = [
    "A_I",
    "BULGE_R_I",
    "DISTANCE_MODULUS",
    "E_VI",
    "LabelFlag",
    "Relation",
    "bolometric_correction_v",
    "feh_from_phi31",
    "fit_relation",
    "g_minus_i",
    "mira_teff",
    "stripe82_labels",
    "teff_from_v_i",
    "v_i_from_teff",
    "wesenheit",
]

#: True distance moduli [mag]: LMC Pietrzynski et al. 2019 (Nature 567, 200), SMC Graczyk et al.
#: 2020 (ApJ 904, 13), Galactic centre GRAVITY Collaboration 2019 (A&A 625, L10; 8.178 kpc).
DISTANCE_MODULUS: Final = {"LMC": 18.477, "SMC": 18.977, "BLG": 14.568}
#: Mean I extinction [mag] of the Magellanic Clouds, foreground and internal.
A_I: Final = {"LMC": 0.17, "SMC": 0.10}
#: A_I / E(V-I) of the standard law (W_I = I - 1.55 (V-I), Udalski et al. 1999, AcA 49, 201).
STANDARD_R_I: Final = 1.55
#: Mean E(V-I) [mag] that belongs to `A_I` under the standard law.
E_VI: Final = {galaxy: a_i / STANDARD_R_I for galaxy, a_i in A_I.items()}
#: A_I / E(V-I) towards the bulge: 1.0 - 1.3 in Nataf et al. 2013 (ApJ 769, 88), not 1.55. It
#: varies from field to field; rows that use it carry `LabelFlag.BULGE_LAW`.
BULGE_R_I: Final = 1.2


class LabelFlag(IntFlag):
    """What a reader must know about the labels of a row."""

    NO_V = 1  #: no V magnitude: (V-I)0 from the class's period-colour relation
    COLOUR_OUTLIER = 2  #: V-I is off by more than 4 sigma (blend): (V-I)0 from the relation
    BULGE_LAW = 4  #: bulge star: (V-I)0 from the relation, extinction law uncertain
    COMBINED_LIGHT = 8  #: Teff and magnitudes are those of both stars of a binary together
    NO_COLOUR_RELATION = 16  #: Mira: Teff is a function of the period only
    SIMULATED = 32  #: labels of a simulated system
    PROXY_LABEL = 64  #: labels transformed from another photometric system or borrowed
    BRIGHT_OUTLIER = 128  #: magnitude off the period-luminosity relation (blend, foreground)


# Teff [K] against (V-I)0. 5000-8000 K: Kurucz 1993 models, [Fe/H] = -0.5, log g = 2.5, in the
# cubic form t = 5040 / T - 0.84 of `_cubic_v_i`. Cooler: the same models at log g = 1.5.
# Hotter: Kurucz at 9000 and 10000 K, then main-sequence colours rounded from Pecaut & Mamajek
# 2013 (ApJS 208, 9), needed for the early-type binaries of the Magellanic Clouds only.
_COOL: Final = ((3000.0, 2.75), (3300.0, 2.22), (3500.0, 1.92), (4000.0, 1.433), (4500.0, 1.125))
_HOT: Final = (
    (9000.0, 0.03),
    (10000.0, -0.015),
    (12500.0, -0.10),
    (15700.0, -0.17),
    (20600.0, -0.26),
    (26000.0, -0.33),
    (31500.0, -0.36),
    (45000.0, -0.39),
)


def _cubic_v_i(teff: FloatArray) -> FloatArray:
    t = 5040.0 / teff - 0.84
    return np.asarray(0.636 + 2.183 * t - 2.271 * t**2 - 3.656 * t**3)


def _teff_table() -> tuple[FloatArray, FloatArray]:
    warm = np.arange(5000.0, 8001.0, 250.0)
    teff = np.concatenate([[t for t, _ in _COOL], warm, [t for t, _ in _HOT]])
    colour = np.concatenate([[c for _, c in _COOL], _cubic_v_i(warm), [c for _, c in _HOT]])
    return teff, colour


_TEFF, _COLOUR = _teff_table()
_V_I_OF_LOG_TEFF = PchipInterpolator(np.log10(_TEFF), _COLOUR)
# The inverse is read off a dense table of the same curve, so that the two agree.
_DENSE_LOG_TEFF = np.linspace(np.log10(_TEFF[0]), np.log10(_TEFF[-1]), 20001)
_DENSE_V_I = _V_I_OF_LOG_TEFF(_DENSE_LOG_TEFF)


def teff_from_v_i(v_i0: npt.ArrayLike) -> FloatArray:
    """Turn an intrinsic colour into an effective temperature.

    Parameters
    ----------
    v_i0 : array_like
        Dereddened V - I in mag, -0.39 to 2.75.

    Returns
    -------
    ndarray of float64
        Effective temperature in K.

    Raises
    ------
    InputError
        Outside the range of the table.
    """
    colour = np.asarray(v_i0, dtype=np.float64)
    low, high = float(_COLOUR.min()), float(_COLOUR.max())
    if not ((colour >= low) & (colour <= high)).all():
        raise InputError(
            f"(V-I)0 between {np.nanmin(colour):.3f} and {np.nanmax(colour):.3f}",
            allowed=f"{low:g} .. {high:g} mag",
        )
    return np.asarray(10.0 ** np.interp(colour, _DENSE_V_I[::-1], _DENSE_LOG_TEFF[::-1]))


def v_i_from_teff(teff: npt.ArrayLike) -> FloatArray:
    """Turn an effective temperature into an intrinsic colour; the inverse of `teff_from_v_i`.

    Parameters
    ----------
    teff : array_like
        Effective temperature in K, 3000 to 45000.

    Returns
    -------
    ndarray of float64
        Intrinsic V - I in mag.

    Raises
    ------
    InputError
        Outside the range of the table.
    """
    value = np.asarray(teff, dtype=np.float64)
    if not ((value >= _TEFF[0]) & (value <= _TEFF[-1])).all():
        raise InputError(
            f"Teff between {np.nanmin(value):.0f} and {np.nanmax(value):.0f} K",
            allowed=f"{_TEFF[0]:.0f} .. {_TEFF[-1]:.0f} K",
        )
    return np.asarray(_V_I_OF_LOG_TEFF(np.log10(value)))


# G - I against V - I. Up to 1.9: Kurucz 1993 models through the Gaia DR2 and Cousins filters.
# Redder: medians of real OGLE x Gaia DR2 stars (1,500 red giants and Miras; they are reddened,
# but reddening moves a star almost along the relation). Flat beyond 4, where G is all red light.
_G_I: Final = PchipInterpolator(
    [-0.45, -0.25, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.55, 1.9, 2.42, 3.03, 3.65, 4.3, 9.0],
    [-0.45, -0.25, -0.014, 0.17, 0.34, 0.49, 0.63, 0.76, 0.88, 1.02, 1.18, 1.36, 1.49, 1.59, 1.65, 1.75],
)


def g_minus_i(v_i: npt.ArrayLike) -> FloatArray:
    """Predict Gaia G - I from V - I.

    Parameters
    ----------
    v_i : array_like
        V - I in mag, -0.45 to 9.

    Returns
    -------
    ndarray of float64
        G - I in mag.
    """
    colour = np.asarray(v_i, dtype=np.float64)
    if not ((colour >= -0.45) & (colour <= 9.0)).all():
        raise InputError("V-I outside the G - I relation", allowed="-0.45 .. 9 mag")
    return np.asarray(_G_I(colour))


def wesenheit(i_mag: npt.ArrayLike, v_i: npt.ArrayLike) -> FloatArray:
    """Form the reddening-free magnitude W_I = I - 1.55 (V - I).

    Parameters
    ----------
    i_mag, v_i : array_like
        I magnitude and V - I colour, both with or both without reddening.

    Returns
    -------
    ndarray of float64
        W_I in mag (Udalski et al. 1999, AcA 49, 201).
    """
    return np.asarray(np.asarray(i_mag) - STANDARD_R_I * np.asarray(v_i), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A straight line y = zero + slope (log P - pivot) with its robust scatter.

    Parameters
    ----------
    zero, slope : float
        Value at the pivot and slope per dex.
    pivot : float
        Pivot in log10 of the period in days.
    scatter : float
        Standard deviation of the residuals after clipping.
    n : int
        Number of stars kept.
    """

    zero: float
    slope: float
    pivot: float
    scatter: float
    n: int

    def __call__(self, log_period: npt.ArrayLike) -> FloatArray:
        """Evaluate the line.

        Parameters
        ----------
        log_period : array_like
            log10 of the period in days.

        Returns
        -------
        ndarray of float64
            The relation's value.
        """
        x = np.asarray(log_period, dtype=np.float64)
        return np.asarray(self.zero + self.slope * (x - self.pivot))


def fit_relation(log_period: npt.ArrayLike, value: npt.ArrayLike, *, pivot: float) -> Relation:
    """Fit a straight line in log P, residuals beyond 3 sigma left out until nothing changes.

    Parameters
    ----------
    log_period, value : array_like, shape (n,)
        log10 of the period in days, and the quantity; NaN values are left out.
    pivot : float
        Pivot in log P.

    Returns
    -------
    Relation
        The line.

    Raises
    ------
    InputError
        With fewer than three usable stars.
    """
    x, y = np.asarray(log_period, dtype=np.float64), np.asarray(value, dtype=np.float64)
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good] - pivot, y[good]
    if x.size < 3:
        raise InputError(f"a relation cannot be fitted to {x.size} stars", allowed="3 or more")
    keep = np.ones(x.size, dtype=bool)
    # Start from medians: half the RR Lyrae colours are blends, least squares would follow them.
    residual = y - np.median(y)
    scale = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    keep = np.abs(residual) <= max(6.0 * scale, 1e-12)
    for _ in range(50):
        slope, zero = np.polyfit(x[keep], y[keep], 1)
        residual = y - zero - slope * x
        sigma = float(np.std(residual[keep]))
        fresh = np.abs(residual) <= max(3.0 * sigma, 1e-12)
        if (fresh == keep).all() or fresh.sum() < 3:
            break
        keep = fresh
    return Relation(zero=float(zero), slope=float(slope), pivot=pivot, scatter=sigma, n=int(keep.sum()))


def feh_from_phi31(period: npt.ArrayLike, phi31_cosine: npt.ArrayLike) -> FloatArray:
    """Estimate the metallicity of RRab stars from period and phi31 in I.

    Parameters
    ----------
    period : array_like
        Period in days.
    phi31_cosine : array_like
        phi31 in radians in the catalogue's cosine convention.

    Returns
    -------
    ndarray of float64
        [Fe/H] on the scale of Jurcsik (1995), [Fe/H] = -3.142 - 4.902 P + 0.824 phi31 with phi31
        in the sine convention, phi31(sine) = phi31(cosine) + pi (Smolec 2005, AcA 55, 59, eq. 2;
        his scatter is 0.18 dex). The branch of phi31 is the one next to 5.0 rad.
    """
    p = np.asarray(period, dtype=np.float64)
    phi = np.asarray(phi31_cosine, dtype=np.float64) + np.pi
    phi = 5.0 + (phi - 5.0 + np.pi) % (2 * np.pi) - np.pi
    return np.asarray(-3.142 - 4.902 * p + 0.824 * phi)


def mira_teff(log_period: npt.ArrayLike) -> FloatArray:
    """Assign a temperature to a Mira from its period.

    Parameters
    ----------
    log_period : array_like
        log10 of the period in days.

    Returns
    -------
    ndarray of float64
        Teff = 3000 - 1400 (log P - 2.48) K: engineering, 3,390 K at 160 d and 2,690 K at 500 d,
        in the range of angular-diameter temperatures (van Belle et al. 1996, AJ 112, 2147).
    """
    return np.asarray(3000.0 - 1400.0 * (np.asarray(log_period, dtype=np.float64) - 2.48))


def stripe82_labels(
    g_mag: npt.ArrayLike, i_mag: npt.ArrayLike, z_mag: npt.ArrayLike, distance: npt.ArrayLike
) -> dict[str, FloatArray]:
    """Label Stripe 82 RR Lyrae stars from their SDSS photometry.

    Parameters
    ----------
    g_mag, i_mag, z_mag : array_like, shape (N,)
        Flux-mean SDSS magnitudes without extinction.
    distance : array_like, shape (N,)
        Distance in kpc; Sesar et al. 2010 (ApJ 708, 717) took M_V = 0.60 for all.

    Returns
    -------
    dict of ndarray
        ``v_i0``, ``teff``, ``abs_mag_i`` and ``abs_mag_g``. V - I = 0.675 (g - i) + 0.364 and
        I = i - 0.386 (i - z) - 0.397 (Jordi, Grebel & Ammon 2006, A&A 460, 339, table 3).
    """
    g, i, z = (np.asarray(m, dtype=np.float64) for m in (g_mag, i_mag, z_mag))
    v_i0 = 0.675 * (g - i) + 0.364
    modulus = 5.0 * np.log10(np.asarray(distance, dtype=np.float64)) + 10.0
    abs_mag_i = i - 0.386 * (i - z) - 0.397 - modulus
    return {
        "v_i0": v_i0,
        "teff": teff_from_v_i(v_i0),
        "abs_mag_i": abs_mag_i,
        "abs_mag_g": abs_mag_i + g_minus_i(v_i0),
    }


_BC_COOL: Final = (-0.190537291496456e5, 0.155144866764412e5, -0.421278819301717e4, 0.381476328422343e3)
_BC_WARM: Final = (
    -0.370510203809015e5,
    0.385672629965804e5,
    -0.150651486316025e5,
    0.261724637119416e4,
    -0.170623810323864e3,
)
_BC_HOT: Final = (
    -0.118115450538963e6,
    0.137145973583929e6,
    -0.636233812100225e5,
    0.147412923562646e5,
    -0.170587278406872e4,
    0.788731721804990e2,
)


def bolometric_correction_v(teff: npt.ArrayLike) -> FloatArray:
    """Give the bolometric correction in V.

    Parameters
    ----------
    teff : array_like
        Effective temperature in K, 3300 to 50000.

    Returns
    -------
    ndarray of float64
        BC_V = M_bol - M_V in mag, polynomials in log Teff of Flower (1996, ApJ 469, 355) with the
        coefficients of Torres (2010, AJ 140, 1158, table 1); the Sun has M_bol = 4.73 on it.
    """
    x = np.log10(np.asarray(teff, dtype=np.float64))
    cool = np.polynomial.polynomial.polyval(x, _BC_COOL)
    warm = np.polynomial.polynomial.polyval(x, _BC_WARM)
    hot = np.polynomial.polynomial.polyval(x, _BC_HOT)
    return np.asarray(np.where(x < 3.70, cool, np.where(x < 3.90, warm, hot)))

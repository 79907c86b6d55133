r"""RR Lyrae stars in other bands than I: amplitudes and shapes measured on Stripe 82.

The table behind this module was fitted to half of the SDSS Stripe 82 stars (Sesar et al. 2010, ApJ
708, 717) in u, g, r, i, z by ``python -m pelsvae_cadence.training rr-lyrae-bands``; the other half
judges it (``pelsvae_cadence validate photometry``). With the i curve s of amplitude A and period P,

.. math:: S_b(\phi) \propto \kappa_b\, s(\phi) + \sum_{k \le 6} (a_{bk} \cos 2\pi k\phi
          + b_{bk} \sin 2\pi k\phi)

where kappa, a and b are linear in A and log P for RRab and constants for RRc; the result is scaled
to the measured amplitude ratio :math:`A_b/A_i`. Between the five SDSS bands everything is
interpolated linearly in log wavelength. That is how LSST and ZTF bands and the native I are reached; y
lies beyond the last node and takes the values of z. Only the ratio in LSST's u has a factor of its
own, because that filter lies across the Balmer jump, where no interpolation can follow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import filter_wavelength
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.stars import Stars

__all__ = [
    "SDSS_WAVELENGTHS",
    "U_FILTER",
    "BandTable",
    "is_first_overtone",
    "rr_lyrae_ratio",
    "rr_lyrae_shapes",
    "shape_at",
]

FloatArray = npt.NDArray[np.float64]

#: Pivot wavelengths of the SDSS filters in nm (Doi et al. 2010, AJ 139, 1628; speclite sdss2010).
SDSS_WAVELENGTHS: Final[dict[str, float]] = {"u": 355.7, "g": 470.2, "r": 617.6, "i": 749.0, "z": 894.7}

#: Amplitude in LSST's u over that in SDSS's u: from ATLAS9 temperature swings with the grey term
#: that fits Stripe 82 in u, g, r, z within 2 %; good to about 5 %, not measured.
U_FILTER: Final = 1.115


@dataclass(frozen=True, kw_only=True)
class BandTable:
    """The measured relations of one subtype.

    Parameters
    ----------
    centre, scale, low, high : ndarray of float64, shape (2,)
        For A_i [mag] and log10 P [d]: value subtracted, value divided by, and the range of the stars
        measured, at whose ends the relations are held.
    ratio : ndarray of float64, shape (5, n_terms)
        A_b / A_i in u, g, r, i, z: constant, slope in A, slope in log P (or the constant alone).
    kappa : ndarray of float64, shape (5, n_terms)
        Share of the i shape.
    harmonics : ndarray of float64, shape (5, n_terms, 12)
        Six cosine, then six sine coefficients.
    """

    centre: FloatArray
    scale: FloatArray
    low: FloatArray
    high: FloatArray
    ratio: FloatArray
    kappa: FloatArray
    harmonics: FloatArray

    def terms(self, amplitude_i: FloatArray, period: FloatArray) -> FloatArray:
        """Give what the coefficients multiply.

        Parameters
        ----------
        amplitude_i : ndarray, shape (N,)
            Amplitudes in SDSS i in mag.
        period : ndarray, shape (N,)
            Periods in days.

        Returns
        -------
        ndarray of float64, shape (N, n_terms)
            One, and for RRab the scaled amplitude and log period.
        """
        values = np.stack([amplitude_i, np.log10(period)], axis=1)
        scaled = (np.clip(values, self.low, self.high) - self.centre) / self.scale
        all_terms = np.concatenate([np.ones((len(values), 1)), scaled], axis=1)
        return np.asarray(all_terms[:, : self.ratio.shape[1]])


@lru_cache(maxsize=1)
def _tables() -> dict[str, BandTable]:
    resource = files("pelsvae_cadence.photometry") / "rr_lyrae_bands.json"
    content = json.loads(resource.read_text(encoding="utf-8"))
    return {
        name: BandTable(**{key: np.array(value) for key, value in content[name].items()})
        for name in ("RRab", "RRc")
    }


def _band_table(subtype: str) -> BandTable:
    """Give the measured relations."""
    return _tables()[subtype]


def is_first_overtone(subtype: npt.ArrayLike, period: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Tell RRc from RRab.

    Parameters
    ----------
    subtype : array_like of str, shape (N,)
        Subtypes.
    period : array_like, shape (N,)
        Periods in days.

    Returns
    -------
    ndarray of bool, shape (N,)
        True for RRc; a star without subtype counts as RRc below 0.45 d.
    """
    names = np.asarray(subtype)
    return np.asarray((names == "RRc") | ((names == "") & (np.asarray(period) < 0.45)))


def _nodes(wavelength: float) -> tuple[int, int, float]:
    """Give the two SDSS bands around a wavelength and the weight of the second."""
    nodes = np.log(np.array(list(SDSS_WAVELENGTHS.values())))
    x = float(np.clip(np.log(wavelength), nodes[0], nodes[-1]))
    upper = int(np.clip(np.searchsorted(nodes, x), 1, len(nodes) - 1))
    return upper - 1, upper, float((x - nodes[upper - 1]) / (nodes[upper] - nodes[upper - 1]))


def _between(table: FloatArray, wavelength: float) -> FloatArray:
    a, b, weight = _nodes(wavelength)
    return np.asarray((1.0 - weight) * table[a] + weight * table[b])


def _ratio_to_i(table: BandTable, terms: FloatArray, wavelength: float) -> FloatArray:
    a, b, weight = _nodes(wavelength)
    first, second = ((terms * table.ratio[node]).sum(axis=1) for node in (a, b))
    return np.asarray(first ** (1.0 - weight) * second**weight)


def _amplitude_in_i(table: BandTable, amplitude: FloatArray, native: float) -> FloatArray:
    """Turn amplitudes in the native band into those in SDSS i, at the mean ratio of the stars."""
    middle = np.zeros((1, table.ratio.shape[1]))
    middle[0, 0] = 1.0
    return np.asarray(amplitude / _ratio_to_i(table, middle, native))


def rr_lyrae_ratio(
    wavelength: float,
    subtype: str,
    amplitude: npt.ArrayLike,
    period: npt.ArrayLike,
    native: float | None = None,
) -> FloatArray:
    """Give the amplitude at a wavelength over that in the native band.

    Parameters
    ----------
    wavelength : float
        Wavelength of the band in nm.
    subtype : {"RRab", "RRc"}
        The subtype.
    amplitude : array_like, shape (N,)
        Amplitudes in the native band in mag.
    period : array_like, shape (N,)
        Periods in days.
    native : float, optional
        Wavelength of the native band in nm; that of Cousins I by default.

    Returns
    -------
    ndarray of float64, shape (N,)
        Amplitude ratios.
    """
    table = _band_table(subtype)
    own = filter_wavelength("I") if native is None else native
    size, days = np.broadcast_arrays(
        np.atleast_1d(np.asarray(amplitude, dtype=np.float64)),
        np.atleast_1d(np.asarray(period, dtype=np.float64)),
    )
    terms = table.terms(_amplitude_in_i(table, size, own), days)
    return _ratio_to_i(table, terms, wavelength) / _ratio_to_i(table, terms, own)


def shape_at(
    curve: PhaseCurve,
    wavelength: float,
    subtype: str,
    amplitude: FloatArray,
    period: FloatArray,
    native: float | None = None,
) -> PhaseCurve:
    """Turn unit-amplitude shapes in the native band into those at another wavelength.

    Parameters
    ----------
    curve : PhaseCurve
        N shapes, phase zero at maximum light.
    wavelength : float
        Wavelength of the wanted band in nm.
    subtype : {"RRab", "RRc"}
        The subtype.
    amplitude : ndarray, shape (N,)
        Amplitudes in the native band in mag.
    period : ndarray, shape (N,)
        Periods in days.
    native : float, optional
        Wavelength of the native band in nm; that of Cousins I by default.

    Returns
    -------
    PhaseCurve
        The shapes; their amplitude is about one and not normalised.
    """
    table = _band_table(subtype)
    own = filter_wavelength("I") if native is None else native
    terms = table.terms(_amplitude_in_i(table, amplitude, own), period)
    share = (terms * _between(table.kappa, wavelength)).sum(axis=1)[:, None]
    change = _between(table.harmonics, wavelength) - _between(table.harmonics, own)
    # Summed term by term: a matrix product rounds differently with the number of stars.
    added = (terms[:, :, None] * change).sum(axis=1) / share
    half = change.shape[1] // 2
    n = max(curve.n_harmonics, half)
    cos, sin = np.zeros((len(curve), n)), np.zeros((len(curve), n))
    cos[:, : curve.n_harmonics], sin[:, : curve.n_harmonics] = curve.cos, curve.sin
    cos[:, :half] += added[:, :half]
    sin[:, :half] += added[:, half:]
    return PhaseCurve(cos=cos, sin=sin)


def rr_lyrae_shapes(stars: Stars, curve: PhaseCurve, bands: tuple[str, ...]) -> tuple[PhaseCurve, ...]:
    """Correct the shapes of the RR Lyrae stars among some stars.

    Parameters
    ----------
    stars : Stars
        N stars.
    curve : PhaseCurve
        Their shapes in Cousins I.
    bands : tuple of str
        Bands.

    Returns
    -------
    tuple of PhaseCurve
        Per band N shapes; those of other classes are as they were.
    """
    rr_lyrae = stars.star_class == "RRLYR"
    if not rr_lyrae.any():
        return (curve,) * len(bands)
    overtone = is_first_overtone(stars.subtype, stars.period)
    shapes: list[PhaseCurve] = []
    for band in bands:
        cos: Any = np.array(curve.cos)
        sin: Any = np.array(curve.sin)
        width = curve.n_harmonics
        for subtype, mine in (("RRab", rr_lyrae & ~overtone), ("RRc", rr_lyrae & overtone)):
            if not mine.any():
                continue
            changed = shape_at(
                curve.take(mine),
                filter_wavelength(band),
                subtype,
                stars.amplitude_i[mine],
                stars.period[mine],
            )
            missing = changed.n_harmonics - width
            if missing > 0:
                cos, sin = (np.pad(v, ((0, 0), (0, missing))) for v in (cos, sin))
                width = changed.n_harmonics
            cos[mine], sin[mine] = changed.cos, changed.sin
        shapes.append(PhaseCurve(cos=cos, sin=sin))
    return tuple(shapes)

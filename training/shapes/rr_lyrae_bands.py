"""How RR Lyrae light curves change with the band, learned from half of the Stripe 82 stars.

The result is the table behind `pelsvae_cadence.photometry.rr_lyrae`, where the relations are written
down.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.archives.stripe82 import SDSS_BANDS, Stripe82
from pelsvae_cadence.training.shapes.harmonic_prior import HarmonicPrior, harmonic_basis, learn_prior

__all__ = ["I_BAND", "TABLE_FILE", "i_curves", "i_prior", "learn_bands"]

#: The table that comes with the package.
TABLE_FILE: Final = Path(str(files("pelsvae_cadence.photometry"))) / "rr_lyrae_bands.json"

#: Position of i in the SDSS bands.
I_BAND: Final = SDSS_BANDS.index("i")

_GRID: Final = np.arange(512) / 512.0
_HARMONICS: Final = 6  # of the correction
# The 54 RRc stars (half of them learned from) carry no trends with amplitude and period.
_TERMS: Final = {"RRab": 3, "RRc": 1}
# Expected size of the k-th harmonic of the corrections, in units of the i amplitude: 0.05 / k for
# the constant term, less for the trends, which are regularised harder.
_EXPECTED: Final = 0.05
_TREND_STRENGTH: Final = (0.3, 1.0, 1.0)
# Points further from the relation than this many errors (at least 0.03 mag each) are left out.
_OUTLIER, _LEAST_ERROR = 4.0, 0.03


def i_prior(stars: Stripe82, subtype: str) -> HarmonicPrior:
    """Learn what i curves look like from the stars that do not judge.

    Parameters
    ----------
    stars : Stripe82
        The stars.
    subtype : str
        ``"RRab"`` or ``"RRc"``.

    Returns
    -------
    HarmonicPrior
        Distribution of the coefficients in mag, phases from the catalogue's maximum in i.
    """
    return learn_prior([stars.with_scatter(r, I_BAND) for r in stars.rows(subtype, judged=False)])


def i_curves(
    stars: Stripe82, rows: npt.NDArray[np.int64], prior: HarmonicPrior
) -> tuple[PhaseCurve, FloatArray, FloatArray]:
    """Fit i curves of stars.

    Parameters
    ----------
    stars : Stripe82
        The stars.
    rows : ndarray of int64, shape (N,)
        Which of them.
    prior : HarmonicPrior
        Of their subtype.

    Returns
    -------
    curves : PhaseCurve
        N shapes of unit amplitude with phase zero at maximum light.
    amplitude : ndarray of float64, shape (N,)
        Peak-to-peak amplitudes in i in mag.
    maximum : ndarray of float64, shape (N,)
        Phase of the maximum in the phases of the points.
    """
    fits = [prior.curve(stars.with_scatter(row, I_BAND)) for row in rows.tolist()]
    curves = PhaseCurve.concatenate(fits)
    values = curves.evaluate(_GRID)
    maximum = _GRID[values.argmin(axis=1)]
    turned = curves.shifted(maximum)
    size = np.ptp(values, axis=1)
    return (PhaseCurve(cos=turned.cos / size[:, None], sin=turned.sin / size[:, None]), size, maximum)


def _robust_plane(terms: FloatArray, values: FloatArray) -> FloatArray:
    """Fit a plane by least squares with outliers left out."""
    used = np.ones(values.size, dtype=bool)
    plane: FloatArray = np.zeros(terms.shape[1])
    for _ in range(5):
        found = np.linalg.lstsq(terms[used], values[used], rcond=None)[0]
        plane = np.asarray(found, dtype=np.float64)
        rest = values - terms @ plane
        used = np.abs(rest) < 3.0 * 1.4826 * np.median(np.abs(rest - np.median(rest)))
    return plane


def learn_bands(stars: Stripe82) -> dict[str, Any]:
    """Learn the relations of both subtypes from the stars that do not judge.

    Parameters
    ----------
    stars : Stripe82
        The stars.

    Returns
    -------
    dict
        What the JSON table holds: per subtype the fields of
        `pelsvae_cadence.photometry.rr_lyrae.BandTable`, and where it comes from.
    """
    content: dict[str, Any] = {
        "source": "SDSS Stripe 82 RR Lyrae, Sesar et al. 2010, ApJ 708, 717",
        "command": "python -m pelsvae_cadence.training rr-lyrae-bands",
    }
    for subtype, n_terms in _TERMS.items():
        rows = stars.rows(subtype, judged=False)
        curves, amplitude, maximum = i_curves(stars, rows, i_prior(stars, subtype))
        values = np.stack([amplitude, np.log10(stars.period[rows])], axis=1)
        centre, scale = values.mean(axis=0), values.std(axis=0)
        low, high = values.min(axis=0), values.max(axis=0)
        all_terms = np.concatenate([np.ones((rows.size, 1)), (values - centre) / scale], axis=1)
        terms = all_terms[:, :n_terms]
        kappa = np.zeros((5, n_terms))
        harmonics = np.zeros((5, n_terms, 2 * _HARMONICS))
        ratio = np.zeros((5, n_terms))
        kappa[I_BAND, 0] = ratio[I_BAND, 0] = 1.0
        for band in range(5):
            if band == I_BAND:
                continue
            ratio[band] = _robust_plane(terms, stars.amplitude[rows, band] / stars.amplitude[rows, I_BAND])
            kappa[band], harmonics[band] = _fit_band(stars, rows, band, curves, amplitude, maximum, terms)
        content[subtype] = {
            key: np.round(value, 5).tolist()
            for key, value in (
                ("centre", centre),
                ("scale", scale),
                ("low", low),
                ("high", high),
                ("ratio", ratio),
                ("kappa", kappa),
                ("harmonics", harmonics),
            )
        }
        content[f"{subtype} stars"] = int(rows.size)
    return content


def _fit_band(
    stars: Stripe82,
    rows: npt.NDArray[np.int64],
    band: int,
    curves: PhaseCurve,
    amplitude: FloatArray,
    maximum: FloatArray,
    terms: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Fit all points of all stars in one band; the mean magnitude of each star is free."""
    n_terms = terms.shape[1]
    k2 = np.tile(np.arange(1.0, _HARMONICS + 1) ** 2, 2)
    penalty = np.concatenate([np.zeros(n_terms), *(s * k2 / _EXPECTED**2 for s in _TREND_STRENGTH[:n_terms])])
    designs = []
    for i, row in enumerate(rows.tolist()):
        phase, mag, err = stars.with_scatter(row, band)
        phase = phase - maximum[i]
        shape = curves.take(i).evaluate(phase)[0]
        basis = harmonic_basis(phase, _HARMONICS)
        parts = [shape[:, None] * terms[i]] + [basis * term for term in terms[i]]
        designs.append((amplitude[i] * np.hstack(parts), mag, err, np.ones(mag.size, dtype=bool)))
    solution: FloatArray = np.zeros(penalty.size)
    for _ in range(3):
        normal, right = np.diag(penalty), np.zeros(penalty.size)
        for design, mag, err, used in designs:
            weight = np.where(used, err**-2.0, 0.0)
            centred = design - np.average(design, axis=0, weights=weight)
            normal = normal + centred.T @ (weight[:, None] * centred)
            right = right + centred.T @ (weight * (mag - np.average(mag, weights=weight)))
        solution = np.asarray(np.linalg.solve(normal, right), dtype=np.float64)
        for design, mag, err, used in designs:
            rest = mag - design @ solution
            rest = rest - np.median(rest)
            used[:] = np.abs(rest) < _OUTLIER * np.maximum(err, _LEAST_ERROR)
    return solution[:n_terms], solution[n_terms:].reshape(n_terms, 2 * _HARMONICS)

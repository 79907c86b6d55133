"""Figures of merit of RR Lyrae band curves, predicted from i on stars not learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.photometry.rr_lyrae import SDSS_WAVELENGTHS, rr_lyrae_ratio, shape_at
from pelsvae_cadence.training.archives.stripe82 import SDSS_BANDS, Stripe82
from pelsvae_cadence.training.shapes.harmonic_prior import harmonic_basis, learn_prior
from pelsvae_cadence.training.shapes.rr_lyrae_bands import I_BAND, i_curves, i_prior
from pelsvae_cadence.validate.report import Figure

__all__ = ["BandPrediction", "predict_band", "stripe82_figures"]

_GRID: Final = np.arange(256) / 256.0
_LARGEST_BIAS: Final = 0.03
_LARGEST_RMS: Final = {"u": 0.035, "g": 0.030, "r": 0.018, "z": 0.017}


@dataclass(frozen=True, kw_only=True)
class BandPrediction:
    """One band of N stars, predicted from i and measured.

    Parameters
    ----------
    rows : ndarray of int64, shape (N,)
        The stars.
    phase : ndarray of float64, shape (n_grid,)
        Phases from the catalogue's maximum in i.
    predicted, measured : ndarray of float64, shape (N, n_grid)
        Predicted from i alone, and fitted to the points of the band itself: mag about the mean of
        the magnitudes.
    noise : ndarray of float64, shape (N,)
        Variance of the difference of the two due to the scatter of the points in either band
        (quoted errors, and the 0.02 mag by which real points scatter about any curve that repeats),
        mean over phase.
    quoted_noise : ndarray of float64, shape (N,)
        The same with the quoted errors alone.
    beyond_errors : float
        rms of the points about the predictions beyond their quoted errors, in mag.
    own_beyond_errors : float
        The same about each star's own curve in the band.
    slope : float
        Slope of measured magnitudes against predicted ones.
    """

    rows: npt.NDArray[np.int64]
    phase: FloatArray
    predicted: FloatArray
    measured: FloatArray
    noise: FloatArray
    quoted_noise: FloatArray
    beyond_errors: float
    own_beyond_errors: float
    slope: float

    @property
    def rms(self) -> float:
        """Root mean square of predicted minus measured, the scatter of the points taken off."""
        return self._rms(self.noise)

    @property
    def quoted_rms(self) -> float:
        """Root mean square of predicted minus measured, the quoted errors taken off."""
        return self._rms(self.quoted_noise)

    @property
    def plain_rms(self) -> float:
        """Root mean square of predicted minus measured, nothing taken off."""
        return self._rms(0.0 * self.noise)

    def _rms(self, noise: FloatArray) -> float:
        square = ((self.predicted - self.measured) ** 2).mean(axis=1)
        return float(np.sqrt(max(float((square - noise).mean()), 0.0)))


def _curve_variance(response: FloatArray, errors: FloatArray) -> float:
    return float(((response * errors) ** 2).sum(axis=1).mean())


def predict_band(stars: Stripe82, subtype: str, band: str) -> BandPrediction:
    """Predict a band of the judging stars from their i points.

    Parameters
    ----------
    stars : Stripe82
        The stars.
    subtype : str
        ``"RRab"`` or ``"RRc"``.
    band : str
        SDSS band.

    Returns
    -------
    BandPrediction
        Curves and their differences.
    """
    rows = stars.rows(subtype, judged=True)
    own_i = i_prior(stars, subtype)
    curves, amplitude, maximum = i_curves(stars, rows, own_i)
    index, here, native = SDSS_BANDS.index(band), SDSS_WAVELENGTHS[band], SDSS_WAVELENGTHS["i"]
    period = stars.period[rows]
    shape = shape_at(curves, here, subtype, amplitude, period, native)
    size = np.ptp(shape.evaluate(_GRID), axis=1)
    scale = amplitude * rr_lyrae_ratio(here, subtype, amplitude, period, native) / size
    model = PhaseCurve(cos=shape.cos * scale[:, None], sin=shape.sin * scale[:, None])
    predicted = model.evaluate(_GRID - maximum[:, None])
    prior = learn_prior([stars.with_scatter(r, index) for r in stars.rows(subtype, judged=False)])
    basis = harmonic_basis(_GRID, prior.n_harmonics)
    measured, noise = np.empty_like(predicted), np.empty((2, rows.size))
    sums = np.zeros(5)
    for i, row in enumerate(rows.tolist()):
        points = stars.with_scatter(row, index)
        phase, mag, err = points
        coefficients, response, used = prior.fit(points)
        measured[i] = basis @ coefficients
        quoted, i_quoted = (stars.points[row][b][2] for b in (index, I_BAND))
        i_points = stars.with_scatter(row, I_BAND)
        _, i_response, _ = own_i.fit(i_points)
        ratio = scale[i] * size[i] / amplitude[i]
        for k, (errors, i_errors) in enumerate(((err, i_points[2]), (quoted, i_quoted))):
            noise[k, i] = _curve_variance(basis @ response, errors)
            noise[k, i] += ratio**2 * _curve_variance(basis @ i_response, i_errors)
        expected = model.take(i).evaluate(phase - maximum[i])[0]
        own = harmonic_basis(phase, prior.n_harmonics) @ coefficients
        # Stars and points count by how well they can tell 0.02 mag.
        weight = np.where(used, err**-4.0, 0.0)
        mean_weight = np.where(used, err**-2.0, 0.0)
        for k, curve in enumerate((expected, own)):
            rest = mag - curve
            rest = rest - np.average(rest, weights=mean_weight)
            sums[k] += np.sum(weight * (rest**2 - quoted**2))
        sums[2] += weight.sum()
        centred = expected - np.average(expected, weights=mean_weight)
        sums[3] += np.sum(mean_weight * centred * mag)
        sums[4] += np.sum(mean_weight * centred * expected)
    excess = np.sqrt(np.maximum(sums[:2] / sums[2], 0.0))
    return BandPrediction(
        rows=rows,
        phase=_GRID,
        predicted=predicted,
        measured=measured,
        noise=noise[0],
        quoted_noise=noise[1],
        beyond_errors=float(excess[0]),
        own_beyond_errors=float(excess[1]),
        slope=float(sums[3] / sums[4]),
    )


def _amplitude_bias(stars: Stripe82, rows: npt.NDArray[np.int64], subtype: str, band: str) -> float:
    """Mean of predicted over measured amplitude, minus one: both from the catalogue's fits."""
    amplitude = stars.amplitude[rows, I_BAND]
    ratio = rr_lyrae_ratio(
        SDSS_WAVELENGTHS[band], subtype, amplitude, stars.period[rows], SDSS_WAVELENGTHS["i"]
    )
    return float(np.mean(amplitude * ratio / stars.amplitude[rows, SDSS_BANDS.index(band)]) - 1.0)


def stripe82_figures(stars: Stripe82) -> list[Figure]:
    """Judge the band relations on the stars they were not learned from.

    Parameters
    ----------
    stars : Stripe82
        The stars.

    Returns
    -------
    list of Figure
        Per subtype and band the amplitude bias, the rms of the predicted curves, and what the
        points of the stars scatter.
    """
    figures = []
    for subtype in ("RRab", "RRc"):
        rows = stars.rows(subtype, judged=True)
        for band in ("u", "g", "r", "z"):
            figures.append(
                Figure.within(
                    f"{subtype} {band}: mean amplitude bias, predicted from i",
                    _amplitude_bias(stars, rows, subtype, band),
                    low=-_LARGEST_BIAS,
                    high=_LARGEST_BIAS,
                    note=f"n = {rows.size}",
                )
            )
        for band in ("u", "g", "r", "i", "z"):
            found = predict_band(stars, subtype, band)
            note = (
                f"with quoted errors alone {found.quoted_rms:.4f}, nothing subtracted "
                f"{found.plain_rms:.4f}; points beyond quoted errors "
                f"{found.beyond_errors:.4f}, about the star's own curve "
                f"{found.own_beyond_errors:.4f}; slope {found.slope:.3f}"
            )
            high = _LARGEST_RMS.get(band, np.inf) if subtype == "RRab" else np.inf
            name = f"{subtype} {band}: rms of the curve predicted from i"
            figures.append(Figure.within(name, found.rms, high=high, unit="mag", note=note))
    return figures

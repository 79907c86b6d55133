"""The light curves of stars in every band, from their shape in I.

The decoder draws one shape, in Cousins I. In another band a pulsating star has another amplitude,
is shifted a little in phase and, for RR Lyrae stars, has another shape; an eclipsing binary has
other depths. All of it is prepared once per star and band; visits only evaluate it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.amplitudes import phase_lag
from pelsvae_cadence.binary_bands import EclipseContrast, eclipse_contrast
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.phase_curve import PhaseCurve
from pelsvae_cadence.photometry import band_amplitudes
from pelsvae_cadence.rr_lyrae_bands import rr_lyrae_shapes
from pelsvae_cadence.stars import Stars

__all__ = ["BandCurves", "band_curves"]

FloatArray = npt.NDArray[np.float64]

# Phases on which extremes and flux means are taken: enough for narrow eclipses.
_GRID: Final = 512


@dataclass(frozen=True, kw_only=True)
class BandCurves:
    """Magnitude curves of N stars in several bands, each about its intensity mean.

    Parameters
    ----------
    bands : tuple of str
        The bands.
    shapes : tuple of PhaseCurve
        Per band the N unit-amplitude shapes; for eclipsing binaries those in I.
    amplitude : ndarray of float64, shape (N, n_bands)
        Peak-to-peak amplitudes in mag.
    zero : ndarray of float64, shape (N, n_bands)
        What is added, in mag, so that the mean flux over the cycle is that of magnitude 0.
    magnitude_mean : ndarray of float64, shape (N, n_bands)
        Mean of the magnitudes over the cycle, minus the intensity mean: 0 or more.
    eclipsing : ndarray of int64, shape (n_eclipsing,)
        Rows of the eclipsing binaries.
    contrast : EclipseContrast or None
        Their contrasts, in the order of `eclipsing`.
    """

    bands: tuple[str, ...]
    shapes: tuple[PhaseCurve, ...]
    amplitude: FloatArray
    zero: FloatArray
    magnitude_mean: FloatArray
    eclipsing: npt.NDArray[np.int64]
    contrast: EclipseContrast | None

    def evaluate(self, phase: FloatArray, band: npt.NDArray[np.int64]) -> FloatArray:
        """Evaluate the curves at the visits.

        Parameters
        ----------
        phase : ndarray of float64, shape (N, n_visits)
            Phases in cycles.
        band : ndarray of int64, shape (n_visits,)
            Position of each visit's band in `bands`.

        Returns
        -------
        ndarray of float64, shape (N, n_visits)
            Magnitudes minus the intensity mean of the band.
        """
        out = np.empty(phase.shape)
        for j, shape in enumerate(self.shapes):
            mine = band == j
            if not mine.any():
                continue
            here = phase[:, mine]
            value = shape.evaluate(here)
            offset = self.zero[:, j : j + 1] + self.amplitude[:, j : j + 1] * value
            if self.contrast is not None:
                rows = self.eclipsing
                faded = self.contrast.magnitudes(value[rows], here[rows], j)
                offset[rows] = self.zero[rows, j : j + 1] + faded
            out[:, mine] = offset
        return out


def _on_grid(curve: PhaseCurve) -> FloatArray:
    # An inverse FFT of (a - i b) is the curve on the grid, some fifty times faster than the sum.
    k = min(curve.n_harmonics, _GRID // 2 - 1)
    spectrum = np.zeros((len(curve), _GRID // 2 + 1), dtype=np.complex128)
    spectrum[:, 1 : k + 1] = 0.5 * _GRID * (curve.cos[:, :k] - 1j * curve.sin[:, :k])
    return np.asarray(np.fft.irfft(spectrum, axis=1))


def band_curves(stars: Stars, curve: PhaseCurve, bands: tuple[str, ...]) -> BandCurves:
    r"""Turn I-band shapes into the curves of other bands.

    Parameters
    ----------
    stars : Stars
        N stars.
    curve : PhaseCurve
        Their shapes in Cousins I, in the same order.
    bands : tuple of str
        Bands out of `pelsvae_cadence.bands.BANDS`, or ``"V"``, ``"I"``, ``"G"``.

    Returns
    -------
    BandCurves
        The curves, ready to be evaluated.

    Raises
    ------
    InputError
        If stars and curves differ in number, or for an unknown band.

    Notes
    -----
    Pulsators: :math:`A_b [S_b(\phi) - C_b]` with :math:`A_b` of `band_amplitudes` and
    :math:`C_b = -(2.5/A_b) \log_{10}\langle 10^{-0.4 A_b S_b}\rangle`, so that the mean *flux* is
    that of the mean magnitude. :math:`S_b` is the I shape, for RR Lyrae stars with the correction
    of `pelsvae_cadence.rr_lyrae_bands`, for Cepheids and Miras shifted by their phase lag.
    Eclipses: see `pelsvae_cadence.binary_bands`.
    """
    if len(curve) != len(stars):
        raise InputError(f"{len(curve)} phase curves for {len(stars)} stars")
    amplitude = band_amplitudes(stars, bands).copy()
    eclipsing = np.flatnonzero(stars.star_class == "ECL")
    contrast = None
    if eclipsing.size:
        contrast = eclipse_contrast(
            _on_grid(curve.take(eclipsing)), stars.amplitude_i[eclipsing], stars.teff[eclipsing],
            bands,
        )  # fmt: skip
    corrected = rr_lyrae_shapes(stars, curve, bands)
    phase = np.arange(_GRID) / _GRID
    shapes = []
    zero, mean = np.empty_like(amplitude), np.empty_like(amplitude)
    for j, band in enumerate(bands):
        shape = corrected[j]
        lag = phase_lag(band, stars.star_class)
        if lag.any():
            shape = shape.shifted(-lag)
        values = _on_grid(shape)
        # A correction or a sum of harmonics changes the extremes; the amplitude is defined by them.
        size = np.ptp(values, axis=1)
        size = np.where(stars.star_class == "RRLYR", size, 1.0)[:, None]
        shape = PhaseCurve(cos=shape.cos / size, sin=shape.sin / size)
        offset = amplitude[:, j : j + 1] * (values / size)
        if contrast is not None:
            faded = contrast.magnitudes(values[eclipsing], phase, j)
            offset[eclipsing] = faded
            amplitude[eclipsing, j] = faded.max(axis=1)
        zero[:, j] = 2.5 * np.log10((10.0 ** (-0.4 * offset)).mean(axis=1))
        mean[:, j] = offset.mean(axis=1) + zero[:, j]
        shapes.append(shape)
    return BandCurves(
        bands=tuple(bands), shapes=tuple(shapes), amplitude=amplitude, zero=zero,
        magnitude_mean=mean, eclipsing=eclipsing, contrast=contrast,
    )  # fmt: skip

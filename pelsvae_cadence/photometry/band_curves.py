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

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.photometry.amplitudes import phase_lag
from pelsvae_cadence.photometry.binaries import eclipse_contrast
from pelsvae_cadence.photometry.magnitudes import band_amplitudes
from pelsvae_cadence.photometry.rr_lyrae import rr_lyrae_shapes
from pelsvae_cadence.stars import Stars

__all__ = ["BandCurves", "band_curves"]

FloatArray = npt.NDArray[np.float64]

# Phases on which extremes and flux means are taken: enough for narrow eclipses. Means of pulsators
# need no more than every second.
_GRID: Final = 512
_LN_FLUX: Final = -0.4 * np.log(10.0)


@dataclass(frozen=True, kw_only=True)
class BandCurves:
    """Magnitude curves of N stars in several bands, each about its intensity mean.

    Parameters
    ----------
    bands : tuple of str
        The bands.
    shapes : tuple of PhaseCurve
        Per band the N unit-amplitude shapes.
    amplitude : ndarray of float64, shape (N, n_bands)
        Peak-to-peak amplitudes in mag.
    zero : ndarray of float64, shape (N, n_bands)
        What is added to the mean-zero shapes, in mag, so that the mean flux over the cycle is that
        of magnitude 0: the mean of the magnitudes minus the intensity mean, 0 or more.
    """

    bands: tuple[str, ...]
    shapes: tuple[PhaseCurve, ...]
    amplitude: FloatArray
    zero: FloatArray

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
            value = shape.evaluate(phase[:, mine])
            value *= self.amplitude[:, j : j + 1]
            value += self.zero[:, j : j + 1]
            out[:, mine] = value
        return out


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
    of `pelsvae_cadence.photometry.rr_lyrae`, for Cepheids and Miras shifted by their phase lag.
    Eclipses: see `pelsvae_cadence.photometry.binaries`.
    """
    if len(curve) != len(stars):
        raise InputError(f"{len(curve)} phase curves for {len(stars)} stars")
    amplitude = band_amplitudes(stars, bands)
    zero = np.empty_like(amplitude)
    corrected = rr_lyrae_shapes(stars, curve, bands)
    eclipsing = np.flatnonzero(stars.star_class == "ECL")
    others = np.flatnonzero(stars.star_class != "ECL")
    rr_lyrae = stars.star_class == "RRLYR"
    eclipses = _Eclipses(stars.take(eclipsing), curve.take(eclipsing), bands)
    native = curve.take(others).on_grid(_GRID)
    shapes = []
    for j, band in enumerate(bands):
        shape, values = corrected[j], native
        lag = phase_lag(band, stars.star_class)
        if lag.any():
            shape = shape.shifted(-lag)
        if shape is not curve:
            values = shape.take(others).on_grid(_GRID)
        cos, sin = np.array(shape.cos), np.array(shape.sin)
        if rr_lyrae.any():
            # The correction changes the extremes, and the amplitude is defined by them.
            size = np.where(rr_lyrae[others], np.ptp(values, axis=1), 1.0)[:, None]
            values = values / size
            cos[others] /= size
            sin[others] /= size
        zero[others, j] = _zero(values[:, ::2] * amplitude[others, j : j + 1])
        if eclipsing.size:
            faded, own_cos, own_sin = eclipses.in_band(j)
            width = own_cos.shape[1]
            cos[eclipsing, :width], sin[eclipsing, :width] = own_cos, own_sin
            amplitude[eclipsing, j] = np.ptp(faded, axis=1)
            zero[eclipsing, j] = _zero(faded)
        shapes.append(PhaseCurve(cos=cos, sin=sin))
    return BandCurves(bands=tuple(bands), shapes=tuple(shapes), amplitude=amplitude, zero=zero)


def _zero(offset: FloatArray) -> FloatArray:
    """Give the mean of magnitudes minus the magnitude of the mean flux."""
    relative = offset - offset.mean(axis=1)[:, None]
    relative *= _LN_FLUX
    return np.asarray(2.5 * np.log10(np.exp(relative, out=relative).mean(axis=1)))


class _Eclipses:
    """Eclipsing binaries in each band, as harmonics.

    The change from band to band is smooth in phase: the harmonics of the I curve carry it to within
    0.001 mag (0.01 mag for the deepest eclipses).
    """

    def __init__(self, stars: Stars, curve: PhaseCurve, bands: tuple[str, ...]) -> None:
        self._n_harmonics = min(curve.n_harmonics, _GRID // 2 - 1)
        if len(stars):
            grid = curve.on_grid(_GRID)
            self._contrast = eclipse_contrast(grid, stars.amplitude_i, stars.teff, bands)

    def in_band(self, band: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Give magnitudes on the grid, and cosines and sines of unit-amplitude shapes."""
        faded = self._contrast.magnitudes(band)
        spectrum = np.fft.rfft(faded, axis=1)[:, 1 : self._n_harmonics + 1]
        spectrum *= 2.0 / _GRID / np.ptp(faded, axis=1)[:, None]
        return faded, spectrum.real, -spectrum.imag

"""Shapes that two stars in eclipse do not have: the question that keeps a pulsator's period.

A binary looks the same forwards and backwards in time, and its minima are narrower than its maxima. A
pulsating star rises faster than it fades, or its maxima are the sharper ones. Where a curve is clearly
of the second kind, no difference between its cycles makes two of them one: real pulsators differ from
night to night by modulation and calibration, significantly and without meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.periods.harmonics import waves
from pelsvae_cadence.periods.series import JointSeries

__all__ = ["FoldedShape", "folded_shape"]

FloatArray = npt.NDArray[np.float64]

_RIDGE: Final = 1e-6
_AXES: Final = 720  # at which a curve is mirrored
# Of the variance, what mirroring may leave: binaries leave nothing (0.002 at most but for eccentric
# ones), RR Lyrae of type c 0.01 to 0.04, type ab and Cepheids 0.05 to 0.17.
_MOST_ASYMMETRY: Final = 0.03
# Contact binaries have 0.14 to 0.25, RR Lyrae of type c -0.10 to 0.02.
_LEAST_SHARPNESS: Final = 0.05
_CAUTION: Final = 4.0
_TWO_MINIMA: Final = 0.75  # one narrow minimum has 0.5


@dataclass(frozen=True, kw_only=True)
class FoldedShape:
    """What a curve folded with some period looks like.

    Parameters
    ----------
    asymmetry : float
        Share of the variance that is odd about the best axis of mirroring, noise taken off.
    noise : float
        Share that noise has in the variance of the fit.
    sharpness : float
        Second harmonic over the first, above zero where the minima are narrower than the maxima.
    sharpness_error : float
        Its error.
    even : float
        Share of the even harmonics in the variance.
    """

    asymmetry: float
    noise: float
    sharpness: float
    sharpness_error: float
    even: float

    @property
    def eclipses(self) -> bool:
        """Whether the minima are clearly the narrower ones."""
        return self.sharpness - self.sharpness_error > _LEAST_SHARPNESS

    @property
    def may_be_half_an_orbit(self) -> bool:
        """Whether two such cycles may be one of a binary; not if there are two minima already."""
        return self.even < _TWO_MINIMA and not self.pulsates

    @property
    def pulsates(self) -> bool:
        """Whether this is clearly not the half cycle of a binary."""
        asymmetry = self.asymmetry - _CAUTION * self.noise
        sharpness = self.sharpness + self.sharpness_error
        return (
            asymmetry > _MOST_ASYMMETRY
            or sharpness < -_LEAST_SHARPNESS
            or (sharpness < _LEAST_SHARPNESS and asymmetry > 0.1 * _MOST_ASYMMETRY)
        )


def folded_shape(series: JointSeries, frequency: float, order: int) -> FoldedShape:
    r"""Measure symmetry and sharpness of the minima with a Fourier series shared by the bands.

    With :math:`c_k` the complex amplitudes and :math:`\phi` the phase of an axis, the odd part has the
    power :math:`\sum_k ({\rm Im}\, c_k e^{2\pi i k \phi})^2`; the axis with the least is taken.

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : float
        A frequency in 1/d.
    order : int
        Number of harmonics; at least two are fitted.

    Returns
    -------
    FoldedShape
        The measures.
    """
    order = max(order, 2)
    n_bands = series.n_bands
    root = 1.0 / series.error
    time = series.time - 0.5 * (series.time.min() + series.time.max())
    design = root[:, None] * np.hstack(
        [series.band[:, None] == np.arange(n_bands), waves(frequency * time, order)]
    )
    normal = design.T @ design
    normal[np.diag_indices_from(normal)] += _RIDGE * np.trace(normal) / len(normal)
    inverse = np.linalg.inv(normal)
    fit = inverse @ (design.T @ (root * series.value))
    residual = root * series.value - design @ fit
    scale = max(1.0, float(residual @ residual) / max(series.time.size - fit.size, 1))
    cos, sin = fit[n_bands : n_bands + order], fit[n_bands + order :]
    variance = scale * np.diag(inverse)[n_bands:]
    variance = 0.5 * (variance[:order] + variance[order:])  # of a real or imaginary part
    squares = cos**2 + sin**2
    power = max(float(squares.sum()), 1e-300)

    multiples = np.arange(1, order + 1)
    turned = (cos - 1j * sin)[:, None] * np.exp(2j * np.pi * np.outer(multiples, np.arange(_AXES) / _AXES))
    odd = (turned.imag**2).sum(axis=0)
    axis = int(np.argmin(odd))
    first, second = turned.real[0, axis], turned.real[1, axis]
    # The axis is taken through the minimum, where the first harmonic is negative.
    return FoldedShape(
        asymmetry=max(float(odd[axis] - variance[1:].sum()), 0.0) / power,
        noise=float(variance.sum()) / power,
        sharpness=float(-second / max(abs(first), 1e-300)),
        sharpness_error=float(np.sqrt(variance[1]) / max(abs(first), 1e-300)),
        even=float(squares[1::2].sum()) / power,
    )

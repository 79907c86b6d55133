"""From a sequence decoder's steps to a periodic function: the cadence contract for counting networks.

A TCN, GRU or LSTM decoder follows the index of a step, not its phase tag, so its value at a phase
depends on which other phases are asked for. It is therefore run on its training grid alone, before
any visit is known: uniform steps over two periods, of which the second, where the network has
warmed up, is kept, closed and turned into a Fourier series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.reference_stars import class_index

if TYPE_CHECKING:
    from pelsvae_cadence.model.sequence.networks import SequenceDecoder

__all__ = ["SequenceCurves", "close_period", "decode_curves", "decode_steps", "periodic_curves"]

FloatArray = npt.NDArray[np.float64]

# Stars in a block: a single one costs a whole block, so it is small.
_BLOCK: Final = 16
_GRID: Final = 1024  # phases on which the extremes of a curve are found
# A curve is sound if it varies at all, closes, and its two periods agree, in units of its
# amplitude. 95 % of the curves of the published network yp4qdw1r are.
_LEAST_AMPLITUDE: Final = 0.1
_LARGEST_GAP: Final = 0.12
_LARGEST_MISMATCH: Final = 0.06


@dataclass(frozen=True, kw_only=True)
class SequenceCurves:
    """Periodic curves of N stars, and how far the network's own output was from them.

    Parameters
    ----------
    curves : PhaseCurve
        Mean-zero shapes of unit peak-to-peak amplitude; phase zero is maximum light, or the
        primary minimum of ECL and ELL.
    amplitude : ndarray of float64, shape (N,)
        Peak-to-peak amplitude in the network's normalised units, where 1 is the range of the
        noisy points of a training star. It is no amplitude in magnitudes.
    wrap_gap : ndarray of float64, shape (N,)
        Gap between end and start of the kept period, in normalised units, before it was closed.
    period_mismatch : ndarray of float64, shape (N,)
        RMS difference of the two decoded periods, in normalised units.
    residual : ndarray of float64, shape (N,)
        RMS of the closed period about its Fourier series, in units of the amplitude.
    shift : ndarray of float64, shape (N,)
        Phase of the new zero in the network's own output, in cycles.
    """

    curves: PhaseCurve
    amplitude: FloatArray
    wrap_gap: FloatArray
    period_mismatch: FloatArray
    residual: FloatArray
    shift: FloatArray

    @property
    def sound(self) -> npt.NDArray[np.bool_]:
        """Whether each curve varies by 0.1, closes to 0.12 and repeats to 0.06 of its amplitude."""
        return (
            (self.amplitude > _LEAST_AMPLITUDE)
            & (np.abs(self.wrap_gap) < _LARGEST_GAP * self.amplitude)
            & (self.period_mismatch < _LARGEST_MISMATCH * self.amplitude)
        )


def decode_steps(
    decoder: SequenceDecoder,
    latent: npt.ArrayLike,
    star_class: npt.ArrayLike,
    physics: npt.ArrayLike | None = None,
) -> FloatArray:
    """Run a sequence decoder on its training grid.

    Parameters
    ----------
    decoder : SequenceDecoder
        The network; dropout is off meanwhile.
    latent : array_like, shape (N, n_latent)
        Latent coordinates.
    star_class : array_like of str, shape (N,)
        Classes.
    physics : array_like, shape (N, n_physics), optional
        Scaled physical parameters, for a decoder that reads them.

    Returns
    -------
    ndarray of float64, shape (N, n_steps)
        Normalised magnitudes (0 = bright, 1 = faint) at uniform steps over two periods. A star's
        row does not depend on the other stars, to the last bit.

    Raises
    ------
    InputError
        On wrong shapes, values that are not finite, or unknown classes.
    """
    import torch

    from pelsvae_cadence.model.blocks import in_blocks
    from pelsvae_cadence.model.sequence.networks import training_tags

    config = decoder.config
    names = np.atleast_1d(np.asarray(star_class, dtype=np.str_))
    n = names.size
    columns = [_matrix("latent", latent, n, config.n_latent)]
    if config.physics_in_decoder and config.n_physics:
        if physics is None:
            raise InputError("this decoder needs the physical parameters of every star")
        columns.append(_matrix("physics", physics, n, config.n_physics))
    tags = training_tags(config.n_steps)

    def network(z: torch.Tensor, kind: torch.Tensor, *scaled: torch.Tensor) -> torch.Tensor:
        decoded: torch.Tensor = decoder(z, tags, kind if config.n_classes else None, *scaled)
        return decoded[..., 0]

    was_training = decoder.training
    decoder.eval()
    try:
        z, *scaled = (torch.as_tensor(np.array(values), dtype=torch.float32) for values in columns)
        return in_blocks(network, z, torch.as_tensor(class_index(names)), *scaled, block=_BLOCK)
    finally:
        decoder.train(was_training)


def close_period(steps: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Keep the second of two decoded periods and close it.

    Parameters
    ----------
    steps : array_like, shape (N, 2 M)
        Decoded magnitudes at uniform steps over two periods.

    Returns
    -------
    closed : ndarray of float64, shape (N, M)
        The second period less a straight line through its middle.
    gap : ndarray of float64, shape (N,)
        The gap that was removed: the last two steps extrapolated to the next, less the first.

    Raises
    ------
    InputError
        If there is no even number of 4 or more steps.
    """
    values = np.asarray(steps, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 4 or values.shape[1] % 2:
        raise InputError(f"steps have shape {values.shape}", allowed="(N, even number from 4)")
    size = values.shape[1] // 2
    second = values[:, size:]
    gap = 2.0 * second[:, -1] - second[:, -2] - second[:, 0]
    return second - gap[:, None] * (np.arange(size) / size - 0.5), gap


def periodic_curves(
    steps: npt.ArrayLike, star_class: npt.ArrayLike, *, n_harmonics: int = 64
) -> SequenceCurves:
    """Turn decoded steps into periodic curves of our conventions.

    Parameters
    ----------
    steps : array_like, shape (N, 2 M)
        Decoded magnitudes at uniform steps over two periods, 0 = bright.
    star_class : array_like of str, shape (N,)
        Classes, which say what phase zero is.
    n_harmonics : int
        Harmonics of the series; M / 2 - 1 at most, with which it passes through the steps.

    Returns
    -------
    SequenceCurves
        The curves.

    Raises
    ------
    InputError
        On wrong shapes, unknown classes, too many harmonics or a curve that is constant.
    """
    values = np.asarray(steps, dtype=np.float64)
    closed, gap = close_period(values)
    n, size = closed.shape
    names = np.atleast_1d(np.asarray(star_class, dtype=np.str_))
    if names.shape != (n,):
        raise InputError(f"{names.size} classes were given for {n} curves")
    kind = class_index(names)
    most = (size - 1) // 2
    if not 1 <= n_harmonics <= most:
        raise InputError(f"n_harmonics = {n_harmonics!r}", allowed=f"1 to {most}")
    spectrum = np.fft.rfft(closed, axis=1) / size
    kept = np.zeros((n, _GRID // 2 + 1), dtype=np.complex128)
    kept[:, 1 : n_harmonics + 1] = spectrum[:, 1 : n_harmonics + 1]
    grid = np.fft.irfft(kept * _GRID, _GRID, axis=1)
    amplitude = np.ptp(grid, axis=1)
    # Rounding alone leaves some 1e-7 of a constant output.
    if (amplitude < 1e-5).any():
        raise InputError(f"curve {int(np.argmin(amplitude))} is constant: it has no shape")
    # The rest of the spectrum is the residual (Parseval); the Nyquist term stands once in it.
    rest = 2.0 * np.abs(spectrum[:, n_harmonics + 1 :]) ** 2
    if size % 2 == 0:
        rest[:, -1] /= 2.0
    binary = np.array([is_binary(name) for name in STAR_CLASSES])[kind]
    shift = _phase_of_minimum(np.where(binary[:, None], -grid, grid))
    used = kept[:, 1 : n_harmonics + 1] / amplitude[:, None]
    curves = PhaseCurve(cos=2.0 * used.real, sin=-2.0 * used.imag).shifted(shift)
    first, second = values[:, :size], values[:, size:]
    return SequenceCurves(
        curves=curves,
        amplitude=amplitude,
        wrap_gap=gap,
        period_mismatch=np.sqrt(np.mean((first - second) ** 2, axis=1)),
        residual=np.sqrt(rest.sum(axis=1)) / amplitude,
        shift=shift,
    )


def decode_curves(
    decoder: SequenceDecoder,
    latent: npt.ArrayLike,
    star_class: npt.ArrayLike,
    physics: npt.ArrayLike | None = None,
    *,
    n_harmonics: int = 64,
) -> SequenceCurves:
    """Decode stars to periodic curves: the only safe way to use a sequence decoder.

    Parameters
    ----------
    decoder : SequenceDecoder
        The network.
    latent : array_like, shape (N, n_latent)
        Latent coordinates.
    star_class : array_like of str, shape (N,)
        Classes.
    physics : array_like, shape (N, n_physics), optional
        Scaled physical parameters, for a decoder that reads them.
    n_harmonics : int
        Harmonics of the curves.

    Returns
    -------
    SequenceCurves
        The curves; visits only evaluate them.

    Raises
    ------
    InputError
        On wrong shapes, unknown classes, too many harmonics or a constant output.
    """
    steps = decode_steps(decoder, latent, star_class, physics)
    return periodic_curves(steps, star_class, n_harmonics=n_harmonics)


def _matrix(name: str, values: npt.ArrayLike, n: int, width: int) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n, width):
        raise InputError(f"{name} has shape {array.shape}, expected ({n}, {width})")
    if not np.isfinite(array).all():
        raise InputError(f"{name} is not finite")
    return array


def _phase_of_minimum(grid: FloatArray) -> FloatArray:
    """Find the smallest value of each row, to a fraction of the grid by a parabola."""
    at = grid.argmin(axis=1)
    low, here, high = (
        np.take_along_axis(grid, ((at + d) % _GRID)[:, None], axis=1)[:, 0] for d in (-1, 0, 1)
    )
    bend = low - 2.0 * here + high
    offset = 0.5 * (low - high) / np.where(bend > 0, bend, 1.0)
    return np.asarray(((at + offset) / _GRID) % 1.0)

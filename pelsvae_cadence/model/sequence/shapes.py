"""A sequence network in the place of the harmonic one: physics in, Fourier coefficients out.

`SequenceShapes` offers what `pelsvae_cadence.model.source.LightCurveModel` asks of a network. The decoder
runs on its training grid alone, before any visit is known, and what it returns is a periodic
function (see `pelsvae_cadence.model.sequence.curves` for why).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.sequence.networks import TAG_RANGE, SequenceConfig, SequenceVAE, training_tags

__all__ = ["N_PHYSICS", "SequenceShapes", "fold_to_steps", "thin"]

#: Physical parameters that a sequence network reads: log10 P, log10 Teff, M_G, as in the paper.
N_PHYSICS: Final = 3


def fold_to_steps(phase: Tensor, mag: Tensor, error: Tensor) -> Tensor:
    """Lay out folded points as a sequence network reads them, normalised as in the paper.

    Parameters
    ----------
    phase, mag, error : Tensor, shape (N, t_len)
        Phases in [0, 1), ascending, magnitudes and their errors.

    Returns
    -------
    Tensor, shape (N, 2 t_len, 3)
        Two periods of phase tag, magnitude from 0 (brightest point) to 1 (faintest), and error in
        the same unit.

    Notes
    -----
    As ``normalize_each`` of the published code, but for the tags: there the first and the last
    point of every light curve set their scale, here 0 and 2 cycles do, so that a tag means a
    phase.
    """
    low, high = TAG_RANGE
    faint, bright = mag.amax(dim=1, keepdim=True), mag.amin(dim=1, keepdim=True)
    scale = (high - low) / (faint - bright).clamp(min=1e-6)
    one = [low + (mag - bright) * scale, error * scale]
    tags = torch.cat([phase, phase + 1.0], dim=1) * (0.5 * (high - low)) + low
    return torch.stack([tags, *(torch.cat([v, v], dim=1) for v in one)], dim=2)


def thin(n_points: int, t_len: int) -> npt.NDArray[np.int64]:
    """Choose the points of a light curve that fill a sequence of another length.

    Parameters
    ----------
    n_points : int
        Points of the light curve, by ascending phase.
    t_len : int
        Points wanted.

    Returns
    -------
    ndarray of int64, shape (t_len,)
        Their indices, ascending and evenly spread: some are left out, or all come and some twice.
    """
    return np.asarray(np.arange(t_len) * n_points // t_len, dtype=np.int64)


class SequenceShapes(nn.Module):
    """A sequence VAE that reads folded points and physics and returns Fourier coefficients.

    Parameters
    ----------
    config : SequenceConfig
        Architecture.

    Raises
    ------
    InputError
        If it reads another number of physical parameters than 0 (cVAE) or 3.
    """

    low: Tensor
    high: Tensor

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        if config.n_physics not in (0, N_PHYSICS):
            raise InputError(f"n_physics = {config.n_physics}", allowed=f"0 (cVAE) or {N_PHYSICS}")
        self.config = config
        self.vae = SequenceVAE(config)
        self.register_buffer("low", torch.zeros(N_PHYSICS))
        self.register_buffer("high", torch.ones(N_PHYSICS))

    def set_statistics(self, physics: npt.NDArray[Any]) -> None:
        """Take the ranges of the physical parameters from training stars.

        Parameters
        ----------
        physics : ndarray, shape (N, 3 or more)
            log10 P, log10 Teff, M_G.
        """
        self.low.copy_(torch.as_tensor(physics[:, :N_PHYSICS].min(axis=0)))
        self.high.copy_(torch.as_tensor(physics[:, :N_PHYSICS].max(axis=0)))

    def scaled(self, physics: Tensor) -> Tensor | None:
        """Scale physical parameters to 0-1 over the training table, as in the paper.

        Parameters
        ----------
        physics : Tensor, shape (N, 3 or more)
            log10 P, log10 Teff, M_G; the published code takes the period itself, which leaves
            all but a thousandth of the stars within a tenth of the range.

        Returns
        -------
        Tensor, shape (N, 3), or None
            What the network reads; None for a network without physics.
        """
        if not self.config.n_physics:
            return None
        return (physics[:, :N_PHYSICS] - self.low) / (self.high - self.low).clamp(min=1e-6)

    def encode(
        self, phase: Tensor, mag: Tensor, weight: Tensor, physics: Tensor, star_class: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Encode folded points.

        Parameters
        ----------
        phase, mag, weight : Tensor, shape (N, n_points)
            Phases by ascending order, magnitudes and inverse variances.
        physics : Tensor, shape (N, 4)
            log10 P, log10 Teff, M_G, log10 A; the amplitude is not read.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        mu, logvar : Tensor, shape (N, n_latent)
            Mean and log-variance of the latent coordinates.
        amplitude : Tensor, shape (N,)
            Range of the points in mag.
        """
        chosen = thin(phase.shape[1], self.config.n_steps // 2)
        steps = fold_to_steps(phase[:, chosen], mag[:, chosen], weight[:, chosen] ** -0.5)
        kind = star_class if self.config.n_classes else None
        mu, logvar = self.vae.encoder(steps, kind, self.scaled(physics))
        return mu, logvar, mag.amax(dim=1) - mag.amin(dim=1)

    def decoder(self, z: Tensor, physics: Tensor, star_class: Tensor) -> Tensor:
        """Decode on the training grid and turn the second period into a Fourier series.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        physics : Tensor, shape (N, 4)
            log10 P, log10 Teff, M_G, log10 A.
        star_class : Tensor of int, shape (N,)
            Classes.

        Returns
        -------
        Tensor, shape (N, 2 K)
            Coefficients, cosines before sines, in the network's normalised units.
        """
        config = self.config
        tags = training_tags(config.n_steps).to(z.device)
        kind = star_class if config.n_classes else None
        scaled = self.scaled(physics) if config.physics_in_decoder else None
        steps = self.vae.decoder(z, tags, kind, scaled)[..., 0].double()
        size = config.n_steps // 2
        second = steps[:, size:]
        gap = 2.0 * second[:, -1] - second[:, -2] - second[:, 0]
        slope = torch.arange(size, dtype=second.dtype, device=z.device) / size - 0.5
        spectrum = torch.fft.rfft(second - gap[:, None] * slope, dim=1) / size
        kept = 2.0 * spectrum[:, 1 : self.config.n_harmonics + 1]
        return torch.cat([kept.real, -kept.imag], dim=1)

"""The fit of the map from physical parameters to latent coordinates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.model.latent.flow import FlowMap
from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.model.weights import config_fields
from pelsvae_cadence.training.fit.task import Task
from pelsvae_cadence.training.open_set.shapes import PointSimulator, ShapeTable

__all__ = ["LatentSample", "MappingTask", "encode_table"]

_POINTS = 300  # of a well-observed light curve


@dataclass(frozen=True, kw_only=True)
class LatentSample:
    """Latent coordinates of stars with their physics.

    Parameters
    ----------
    z : ndarray of float32, shape (n_draws, N, n_latent)
        Draws from each star's posterior.
    physics : ndarray of float64, shape (N, 4 or more)
        Physics, and what else a map is conditioned on.
    group : ndarray of int64, shape (N,)
        Groups.
    """

    z: npt.NDArray[np.float32]
    physics: npt.NDArray[np.float64]
    group: npt.NDArray[np.int64]


@torch.no_grad()
def encode_table(
    module: HarmonicVAE, table: ShapeTable, *, n_draws: int = 4, noise: float = 0.01, seed: int = 0
) -> LatentSample:
    """Encode every star as a well-observed light curve, several times with fresh noise.

    Parameters
    ----------
    module : HarmonicVAE
        A trained network.
    table : ShapeTable
        The stars.
    n_draws : int
        Draws per star.
    noise : float
        Their noise in units of the star's amplitude, so that stars that hardly vary are not
        smeared.
    seed : int
        Seed of points, noise and posterior draws.

    Returns
    -------
    LatentSample
        The latent coordinates.
    """
    device = next(module.parameters()).device
    simulator = PointSimulator(table.n_harmonics, str(device))
    generator = torch.Generator().manual_seed(seed)
    module.eval()
    draws = np.empty((n_draws, len(table), module.config.n_latent), dtype=np.float32)
    for d in range(n_draws):
        for start in range(0, len(table), 512):
            rows = slice(start, start + 512)
            shapes = torch.as_tensor(table.shapes[rows], dtype=torch.float32, device=device)
            physics = torch.as_tensor(table.physics[rows], dtype=torch.float32, device=device)
            star_class = torch.as_tensor(table.star_class[rows], device=device)
            amplitude = 10.0 ** physics[:, 3]
            sigma = noise * amplitude
            points = simulator.draw(shapes, amplitude, _POINTS, sigma, generator)
            mu, logvar, _ = module.encode(points.phase, points.mag, points.weight, physics, star_class)
            error = torch.randn(mu.shape, generator=generator).to(device)
            draws[d, rows] = (mu + (0.5 * logvar).exp() * error).cpu().numpy()
    return LatentSample(z=draws, physics=table.physics, group=table.group)


class MappingTask(Task):
    """A flow trained by maximum likelihood on latent coordinates of the training stars.

    Parameters
    ----------
    module : FlowMap
        The flow; its statistics are set here.
    train, held_out : LatentSample
        Training and validation stars.
    probability : ndarray, shape (N,)
        Probability with which each training star is drawn.
    jitter : float
        Scatter added to the standardised physics in training, so that a flow of this size does
        not learn single stars by their exact physics.
    blur : float
        Scatter added to the standardised latent coordinates in training: catalogue shapes lie on
        a surface (higher harmonics follow from the lower ones), where densities have no bound.
    device : str
        Torch device.
    """

    def __init__(
        self,
        module: FlowMap,
        train: LatentSample,
        held_out: LatentSample,
        probability: npt.NDArray[np.float64],
        *,
        jitter: float = 0.15,
        blur: float = 0.03,
        device: str = "cpu",
    ) -> None:
        self.module: FlowMap = module
        n_draws = len(train.z)
        module.set_statistics(
            train.z.reshape(-1, train.z.shape[-1]),
            np.tile(train.physics, (n_draws, 1)),
            np.tile(train.group, n_draws),
        )
        module.to(device)
        self._probability = torch.as_tensor(probability)
        self._jitter = jitter
        self._blur = blur
        self._train = self._to_tensors(train, device)
        self._held_out = self._to_tensors(held_out, device)
        digest = hashlib.sha256(train.z.tobytes() + train.physics.tobytes()).hexdigest()
        self.settings: dict[str, Any] = {
            **config_fields(module.config),
            "jitter": jitter,
            "blur": blur,
            "data": digest,
        }

    @staticmethod
    def _to_tensors(sample: LatentSample, device: str) -> tuple[Tensor, Tensor, Tensor]:
        return (
            torch.as_tensor(sample.z, device=device),
            torch.as_tensor(sample.physics, dtype=torch.float32, device=device),
            torch.as_tensor(sample.group, device=device),
        )

    @override
    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        rows = torch.multinomial(self._probability, batch, replacement=True, generator=generator)
        z, physics, group = self._train
        draw = torch.randint(len(z), (batch,), generator=generator)
        error = torch.randn((batch, physics.shape[1]), generator=generator).to(physics.device)
        # The amplitude is an outcome as well as a condition: it stays as it is.
        error[:, 3] = 0.0
        mine = group[rows]
        scale = self.module.context.scale[mine]
        moved = physics[rows] + self._jitter * scale * error
        blur = torch.randn((batch, z.shape[2]), generator=generator).to(z.device)
        blurred = z[draw, rows] + self._blur * self.module.z_scale[mine] * blur
        amplitude, shape = self.module.log_prob(blurred, moved, mine)
        terms = {"amplitude": -amplitude.mean(), "shape": -shape.mean()}
        return {"loss": terms["amplitude"] + terms["shape"], **terms}

    @torch.no_grad()
    @override
    def validate(self) -> dict[str, float]:
        z, physics, group = self._held_out
        blur = torch.randn(z[0].shape, generator=torch.Generator().manual_seed(0)).to(z.device)
        blurred = z[0] + self._blur * self.module.z_scale[group] * blur
        amplitude, shape = self.module.log_prob(blurred, physics, group)
        # Group means weighted by the square root of their size: each group counts, but a group
        # of ten stars does not decide when to stop.
        counts = torch.bincount(group, minlength=int(group.max()) + 1)[group].to(shape.dtype)
        weight = counts**-0.5 / (counts**-0.5).sum()
        first, second = (float(-(weight * v).sum()) for v in (amplitude, shape))
        return {"score": first + second, "nll_amplitude": first, "nll_shape": second}

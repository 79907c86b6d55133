"""The harmonic VAE's task: fresh noisy points of the training stars at every step."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.model.weights import config_fields
from pelsvae_cadence.training.fit.task import Task
from pelsvae_cadence.training.open_set.shapes import PointSimulator, ShapeTable

__all__ = ["VAETask", "VAETaskConfig"]


def _mean_square_difference(decoded: Tensor, truth: Tensor) -> Tensor:
    r"""Mean square difference of two curves over a cycle."""
    return 0.5 * ((decoded - truth) ** 2).sum(dim=1)


def _expected_chi_square(decoded: Tensor, truth: Tensor, mean_variance: Tensor, floor: float) -> Tensor:
    r"""Excess of chi-square of fresh noisy points, in expectation over points and noise.

    Fresh points of the same star, N of variance :math:`\sigma^2` at random phases, have
    :math:`E[\chi^2] = N + N \int (s - s')^2 d\phi / \sigma^2`. We train on the second term
    itself: the same gradient on average as from a draw of points, without their noise.
    """
    return _mean_square_difference(decoded, truth) / (mean_variance + floor**2)


def _kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence of a diagonal Gaussian from the standard normal."""
    return 0.5 * (mu**2 + logvar.exp() - 1.0 - logvar).sum(dim=1)


@dataclass(frozen=True, kw_only=True)
class VAETaskConfig:
    """What the VAE is trained to do.

    Parameters
    ----------
    beta : float
        Weight of the KL term. Low, because the latent density is learned afterwards.
    floor : float
        See `_expected_chi_square`.
    min_points, max_points : int
        Range of the number of points, drawn log-uniformly.
    min_noise, max_noise : float
        Range of the noise in mag, drawn log-uniformly.
    balance : float
        See `ShapeTable.balance`.
    """

    beta: float = 0.05
    floor: float = 0.003
    min_points: int = 8
    max_points: int = 300
    min_noise: float = 0.0005
    max_noise: float = 0.15
    balance: float = 0.5


#: Points and noise [mag] of the two reconstructions that make the validation score.
_VALIDATION: Final = ((20, 0.02), (300, 0.02))


class VAETask(Task):
    """Encoder and decoder trained on fresh noisy points of the training stars.

    Parameters
    ----------
    module : HarmonicVAE
        The network, its statistics set.
    table : ShapeTable
        Stars with split.
    config : VAETaskConfig
        The task.
    device : str
        Torch device.
    validation_size : int
        Most validation stars per class.
    """

    def __init__(
        self,
        module: HarmonicVAE,
        table: ShapeTable,
        config: VAETaskConfig,
        *,
        device: str = "cpu",
        validation_size: int = 400,
    ) -> None:
        self.module: HarmonicVAE = module
        self.config = config
        self._device = device
        self._points = PointSimulator(table.n_harmonics, device)
        train, held_out = table.part("train"), table.part("validation")
        self._probability = torch.as_tensor(train.balance(config.balance))
        self._train = self._to_tensors(train)
        rows: list[int] = []
        for c in range(int(held_out.star_class.max()) + 1):
            rows += (held_out.star_class == c).nonzero()[0][:validation_size].tolist()
        self._held_out = self._to_tensors(held_out.take(rows))
        self.settings: dict[str, Any] = {**asdict(config), **config_fields(module.config), "data": table.hash}

    def _to_tensors(self, table: ShapeTable) -> tuple[Tensor, Tensor, Tensor]:
        return (
            torch.as_tensor(table.shapes, dtype=torch.float32, device=self._device),
            torch.as_tensor(table.physics, dtype=torch.float32, device=self._device),
            torch.as_tensor(table.star_class, device=self._device),
        )

    @override
    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        config = self.config
        rows = torch.multinomial(self._probability, batch, replacement=True, generator=generator)
        shapes, physics, star_class = (v[rows.to(v.device)] for v in self._train)
        u = torch.rand(1 + batch, generator=generator)
        span = math.log(config.max_points / config.min_points)
        n_points = round(config.min_points * math.exp(span * float(u[0])))
        noise_span = math.log(config.max_noise / config.min_noise)
        noise = (config.min_noise * (noise_span * u[1:]).exp()).to(shapes.device)
        amplitude = 10.0 ** physics[:, 3]
        # Relative noise far below what any survey reaches would leave single precision behind.
        noise = torch.maximum(noise, 0.003 * amplitude)
        points = self._points.draw(shapes, amplitude, n_points, noise, generator)
        mu, logvar, _ = self.module.encode(points.phase, points.mag, points.weight, physics, star_class)
        error = torch.randn(mu.shape, generator=generator).to(mu.device)
        z = mu + (0.5 * logvar).exp() * error
        decoded = self.module.decoder(z, physics, star_class)
        variance = (noise / amplitude) ** 2 / n_points
        chi_square = _expected_chi_square(decoded, shapes, variance, config.floor).mean()
        kl = _kl_divergence(mu, logvar).mean()
        return {"loss": 0.5 * chi_square + config.beta * kl, "chi_square": chi_square, "kl": kl}

    @torch.no_grad()
    @override
    def validate(self) -> dict[str, float]:
        # The mean over classes and cases of the log of the median RMS / amplitude.
        shapes, physics, star_class = self._held_out
        scores: dict[str, float] = {}
        logs = []
        for n_points, noise in _VALIDATION:
            generator = torch.Generator().manual_seed(n_points)
            sigma = torch.full((len(shapes),), noise, device=shapes.device)
            points = self._points.draw(shapes, 10.0 ** physics[:, 3], n_points, sigma, generator)
            mu, _, _ = self.module.encode(points.phase, points.mag, points.weight, physics, star_class)
            decoded = self.module.decoder(mu, physics, star_class)
            rms = _mean_square_difference(decoded, shapes).sqrt()
            for c in np.unique(star_class.cpu().numpy()).tolist():
                median = float(rms[star_class == c].median())
                scores[f"rms_{n_points}_{c}"] = median
                logs.append(math.log(median))
        return {"score": sum(logs) / len(logs), **scores}

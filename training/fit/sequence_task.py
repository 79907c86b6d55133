r"""The paper's task: reconstruct folded light curves through a few latent dimensions.

The loss is eq. 2-4 of Martinez-Palomera, Bloom & Abrahams 2020 (arXiv:2005.07773); see
`pelsvae_cadence.model.sequence.networks.sequence_loss` for what it is, and for where the published code
differs.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.options import at_least
from pelsvae_cadence.model.blocks import single_thread
from pelsvae_cadence.model.sequence.networks import sequence_loss
from pelsvae_cadence.model.sequence.shapes import SequenceShapes, fold_to_steps, thin
from pelsvae_cadence.model.weights import config_fields
from pelsvae_cadence.training.fit.mapping import LatentSample
from pelsvae_cadence.training.fit.task import Task
from pelsvae_cadence.training.open_set.sequences import SequenceRows

__all__ = ["SequenceTask", "SequenceTaskConfig", "encode_rows"]

_BLOCK = 256


@dataclass(frozen=True, kw_only=True)
class SequenceTaskConfig:
    """What a sequence network is trained to do.

    Parameters
    ----------
    beta : float
        Weight of the KL term, see `sequence_loss`.
    weighted : bool
        Weigh the reconstruction by the errors, as the paper writes; False is the published code's
        plain mean square.
    floor : float
        Error added in quadrature to the normalised errors in the weighted reconstruction: 0 is
        the paper's equation, in which the brightest stars alone steer the training.
    error_weight : float
        Weight of the third term, the divergence of the errors.
    min_points : int
        Fewest distinct points of a light curve; batches with fewer points than steps repeat some,
        as the published preprocessing does. By default all have as many as the rows.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    beta: float = 0.75
    weighted: bool = True
    floor: float = 0.0
    error_weight: float = 1.0
    min_points: int | None = None

    def __post_init__(self) -> None:
        at_least(self, 0, "beta", "floor", "error_weight")
        at_least(self, 4, "min_points")


class SequenceTask(Task):
    """A sequence network trained on folded light curves.

    Parameters
    ----------
    module : SequenceShapes
        The network; the ranges of its physics are set here.
    rows : SequenceRows
        Light curves with their split.
    config : SequenceTaskConfig
        The task.
    device : str
        Torch device.
    validation_size : int
        Most validation rows per class.

    Raises
    ------
    InputError
        If network and rows differ in length.
    """

    def __init__(
        self,
        module: SequenceShapes,
        rows: SequenceRows,
        config: SequenceTaskConfig,
        *,
        device: str = "cpu",
        validation_size: int = 100,
    ) -> None:
        sizes = module.config
        if sizes.n_steps != 2 * rows.t_len:
            raise InputError(
                f"the network reads {sizes.n_steps} steps and the light curves have {rows.t_len} points",
                allowed="two steps a point",
            )
        self.module: SequenceShapes = module
        self.config = config
        train, held_out = rows.part("train"), rows.part("validation")
        module.set_statistics(train.physics)
        chosen = [
            np.flatnonzero(held_out.star_class == c)[:validation_size]
            for c in range(int(held_out.star_class.max()) + 1)
        ]
        self._train = _to_tensors(train, device)
        self._held_out = _to_tensors(held_out.take(np.concatenate(chosen)), device)
        self.settings: dict[str, Any] = {**asdict(config), **config_fields(module.config), "data": rows.hash}

    @override
    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        rows = torch.randint(len(self._train[0]), (batch,), generator=generator)
        phase, mag, error, physics, star_class = (v[rows.to(v.device)] for v in self._train)
        least = self.config.min_points
        t_len = phase.shape[1]
        if least is not None and least < t_len:
            u = float(torch.rand(1, generator=generator))
            n_points = round(least * math.exp(u * math.log(t_len / least)))
            some = torch.randperm(t_len, generator=generator)[:n_points].sort().values
            points = some[torch.as_tensor(thin(n_points, t_len))].to(phase.device)
            phase, mag, error = (v[:, points] for v in (phase, mag, error))
        steps = fold_to_steps(phase, mag, error)
        sizes = self.module.config
        kind = star_class if sizes.n_classes else None
        scaled = self.module.scaled(physics)
        mu, logvar = self.module.vae.encoder(steps, kind, scaled)
        noise = torch.randn(mu.shape, generator=generator).to(mu.device)
        z = mu + (0.5 * logvar).exp() * noise
        decoded = self.module.vae.decoder(z, steps[..., 0], kind, scaled)
        return self._terms(decoded, steps, mu, logvar)

    def _terms(self, decoded: Tensor, steps: Tensor, mu: Tensor, logvar: Tensor) -> dict[str, Tensor]:
        config = self.config
        terms = sequence_loss(
            decoded,
            steps,
            mu,
            logvar,
            beta=config.beta,
            weighted=config.weighted,
            error_weight=config.error_weight,
            floor=config.floor,
        )
        return {
            "loss": terms.total,
            "reconstruction": terms.reconstruction,
            "kl": terms.kl,
            "errors": terms.errors,
        }

    @torch.no_grad()
    @override
    def validate(self) -> dict[str, float]:
        # The mean over classes of the log of the median RMS residual in units of the range of the points
        # (it includes their noise), through the mean latent.
        phase, mag, error, physics, star_class = self._held_out
        sizes = self.module.config
        rms, sums, n = [], {"loss": 0.0, "reconstruction": 0.0, "kl": 0.0, "errors": 0.0}, 0
        for start in range(0, len(phase), _BLOCK):
            part = slice(start, start + _BLOCK)
            steps = fold_to_steps(phase[part], mag[part], error[part])
            kind = star_class[part] if sizes.n_classes else None
            scaled = self.module.scaled(physics[part])
            mu, logvar = self.module.vae.encoder(steps, kind, scaled)
            decoded = self.module.vae.decoder(mu, steps[..., 0], kind, scaled)
            half = sizes.n_steps // 2
            left = decoded[:, half:, 0] - steps[:, half:, 1]
            rms.append((left**2).mean(dim=1).sqrt())
            for name, value in self._terms(decoded, steps, mu, logvar).items():
                sums[name] += float(value) * len(mu)
            n += len(mu)
        scores = {f"held_out_{name}": value / n for name, value in sums.items()}
        every, logs = torch.cat(rms), []
        for c in np.unique(star_class.cpu().numpy()).tolist():
            median = float(every[star_class == c].median())
            scores[f"rms_{c}"] = median
            logs.append(math.log(median))
        return {"score": sum(logs) / len(logs), **scores}


@torch.no_grad()
def encode_rows(
    module: SequenceShapes, rows: SequenceRows, *, n_draws: int = 2, seed: int = 0
) -> LatentSample:
    """Encode light curves and draw from their posteriors."""
    generator = torch.Generator().manual_seed(seed)
    module.eval()
    tensors = _to_tensors(rows, "cpu")
    draws = np.empty((n_draws, len(rows), module.config.n_latent), dtype=np.float32)
    with single_thread():
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            phase, mag, error, physics, star_class = (v[part] for v in tensors)
            mu, logvar, _ = module.encode(phase, mag, error**-2, physics, star_class)
            for d in range(n_draws):
                noise = torch.randn(mu.shape, generator=generator)
                draws[d, part] = (mu + (0.5 * logvar).exp() * noise).numpy()
    return LatentSample(z=draws, physics=rows.physics, group=rows.group)


def _to_tensors(rows: SequenceRows, device: str) -> tuple[Tensor, ...]:
    floats = (rows.phase, rows.mag, rows.error, rows.physics)
    return (
        *(torch.as_tensor(np.array(v), dtype=torch.float32, device=device) for v in floats),
        torch.as_tensor(rows.star_class, device=device),
    )

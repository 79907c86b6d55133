"""Conditional spline flows from physical parameters to amplitude and latent coordinates.

`FlowMap` is the neural spline flow (Durkan et al. 2019, arXiv:1906.04032) in coupling form.
`KernelFlowMap` draws the numbers that enter such a flow from where training stars of like physics
are, not from a Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import zuko
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.model.latent.conditions import LatentMap, LatentMapConfig
from pelsvae_cadence.model.latent.spline import CouplingSampler
from pelsvae_cadence.model.reference_stars import PARAMETERS

__all__ = ["FlowMap", "KernelFlowMap"]

FloatArray = npt.NDArray[np.float64]

# Reach of an anchor in its conditions, in units of the distance to its last neighbour.
_REACH: Final = 0.5
# Least reach, in standard deviations of the conditions: stars with equal labels exist.
_LEAST_REACH: Final = 0.03
# Reach in log A, in standard deviations of the amplitudes of a subtype.
_AMPLITUDE_REACH: Final = 0.25


class FlowMap(LatentMap):
    """Conditional neural spline flows of log A and of z.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes.
    """

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        self.amplitude = zuko.flows.NSF(
            1, self.context.n_features, bins=config.bins, transforms=2, hidden_features=(64, 64)
        )
        self.shape = zuko.flows.NSF(
            config.n_latent,
            self.full_context.n_features,
            bins=config.bins,
            transforms=config.transforms,
            hidden_features=(config.hidden, config.hidden),
            passes=2,  # coupling: as fast to draw from as to evaluate
        )
        self._samplers: tuple[CouplingSampler, CouplingSampler] | None = None

    @override
    def freeze(self) -> None:
        self._samplers = CouplingSampler(self.amplitude), CouplingSampler(self.shape)

    def log_prob(self, z: Tensor, physics: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate the log-densities.

        Parameters
        ----------
        z : Tensor, shape (N, n_latent)
            Latent coordinates.
        physics : Tensor, shape (N, 4)
            Physics with amplitude.
        group : Tensor of int, shape (N,)
            Groups.

        Returns
        -------
        Tensor, shape (N,)
            Log-density of the standardised log amplitude.
        Tensor, shape (N,)
            Log-density of the standardised latent coordinates, given the amplitude.
        """
        x = self._standard_amplitude(physics, group)
        scaled = (z - self.z_centre[group]) / self.z_scale[group]
        return (
            self.amplitude(self.context(physics, group)).log_prob(x),
            self.shape(self.full_context(physics, group)).log_prob(scaled),
        )

    def _standard_amplitude(self, physics: Tensor, group: Tensor) -> Tensor:
        column = self.full_context.columns.index(len(PARAMETERS) - 1)
        return self.full_context.standardise(physics, group)[:, column : column + 1]

    @override
    def _amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        context = self.context(physics, group)
        if self._samplers is not None:
            return self._samplers[0](context, noise)[:, 0]
        drawn: Tensor = self.amplitude(context).transform.inv(noise)[:, 0]
        return drawn

    @override
    def _shape(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        context = self.full_context(physics, group)
        if self._samplers is not None:
            return self._samplers[1](context, noise)
        drawn: Tensor = self.shape(context).transform.inv(noise)
        return drawn


@dataclass(frozen=True)
class _Anchors:
    """Training stars of one group.

    The exponent of a Gaussian kernel is a product of the features [1, x, |x|^2, a] of a star and of
    weights of the anchor, up to a term that all anchors share.
    """

    conditions: Tensor  # (2 + n_conditions, M) weights of the features but the amplitude
    all_conditions: Tensor  # (3 + n_conditions, M) weights where the amplitude is known
    amplitude_noise: Tensor  # (M, 1)
    shape_noise: Tensor  # (M, n_latent)

    @classmethod
    def of(cls, rows: Tensor, n_conditions: int, neighbours: int) -> _Anchors:
        """Find the reach of each anchor and prepare its weights.

        Parameters
        ----------
        rows : Tensor, shape (M, n_conditions + 2 + n_latent)
            Conditions, log A and the two kinds of numbers, standardised.
        n_conditions : int
            Number of conditions.
        neighbours : int
            Neighbours within reach.

        Returns
        -------
        _Anchors
            The anchors.
        """
        x, size = rows[:, :n_conditions], rows[:, n_conditions]
        rank = min(neighbours, len(x) - 1)
        distance = torch.cdist(x, x).kthvalue(rank + 1, dim=1).values
        reach = (_REACH * distance).clamp(min=_LEAST_REACH)
        sharp = reach**-2
        level = -0.5 * sharp * x.square().sum(dim=1) - n_conditions * reach.log()
        slopes = sharp * x.T
        given = [slopes, -0.5 * sharp[None]]
        sharp_size = _AMPLITUDE_REACH**-2
        return cls(
            conditions=torch.cat([level[None], *given]),
            all_conditions=torch.cat(
                [(level - 0.5 * sharp_size * size**2)[None], *given, sharp_size * size[None]]
            ),
            amplitude_noise=rows[:, n_conditions + 1 : n_conditions + 2].contiguous(),
            shape_noise=rows[:, n_conditions + 2 :].contiguous(),
        )

    def choose(self, conditions: Tensor, log_amplitude: Tensor | None, place: Tensor) -> Tensor:
        """Choose an anchor for each star, near ones rather than far ones.

        Parameters
        ----------
        conditions : Tensor, shape (N, n_conditions)
            Standardised conditions.
        log_amplitude : Tensor, shape (N,), optional
            Standardised log A, where it is known.
        place : Tensor, shape (N,)
            Numbers between 0 and 1, uniform for random choices.

        Returns
        -------
        Tensor of int, shape (N,)
            Anchors.
        """
        parts = [torch.ones_like(place)[:, None], conditions, conditions.square().sum(dim=1, keepdim=True)]
        weights = self.conditions
        if log_amplitude is not None:
            parts.append(log_amplitude[:, None])
            weights = self.all_conditions
        level = torch.cat(parts, dim=1) @ weights
        # The floor is far below what counts, and far above numbers that are slow to compute with.
        level = (level - level.amax(dim=1, keepdim=True)).clamp(min=-50.0)
        total = level.exp_().cumsum(dim=1)
        sought = place[:, None] * total[:, -1:]
        return torch.searchsorted(total, sought)[:, 0].clamp(max=total.shape[1] - 1)


class KernelFlowMap(FlowMap):
    r"""Spline flows whose base density is where training stars are.

    A flow trained on a thousand stars is smoother than nature: pushed back through it, stars of
    one kind do not fill the Gaussian evenly, and a draw from the Gaussian lands between them.
    Here the numbers :math:`u` that enter the flow are drawn from a conditional kernel density of the
    training stars' own numbers :math:`u_i`,

    .. math:: p(u | x) = \sum_i w_i(x)\, N(u;\, \sqrt{1 - h^2}\, u_i,\, h^2),
        \qquad w_i(x) \propto r_i^{-d} \exp(-|x - x_i|^2 / 2 r_i^2),

    x being the d standardised conditions, and for the shape the amplitude too. The reach
    :math:`r_i` adapts to the density of stars (sample-point estimator: Breiman, Meisel & Purcell
    1977, Technometrics 19, 135); :math:`h` is `LatentMapConfig.width`, and the shrinkage keeps the
    variance. The flow carries the numbers of a neighbour to the physics of the star.

    Parameters
    ----------
    config : LatentMapConfig
        Sizes, and the number of anchors. A group without anchors is drawn from the Gaussian.
    """

    anchors: Tensor
    anchor_group: Tensor
    _n_choices = 1  # of an anchor

    def __init__(self, config: LatentMapConfig) -> None:
        super().__init__(config)
        n_columns = len(config.columns) + 2 + config.n_latent
        # Half precision: 0.001 standard deviations matter to nobody, the size of the file does.
        self.register_buffer("anchors", torch.zeros(config.anchors, n_columns, dtype=torch.half))
        self.register_buffer("anchor_group", torch.zeros(config.anchors, dtype=torch.uint8))
        self._anchors: dict[int, _Anchors] | None = None

    @torch.no_grad()
    def set_anchors(self, z: npt.NDArray[Any], physics: npt.NDArray[Any], group: npt.NDArray[Any]) -> None:
        """Take training stars as anchors; the flow must have been trained.

        Parameters
        ----------
        z : ndarray, shape (N, n_latent)
            Latent coordinates; N is the number of anchors in the configuration.
        physics : ndarray, shape (N, n_columns)
            Physics with amplitude.
        group : ndarray of int, shape (N,)
            Groups.
        """
        rows = torch.as_tensor(physics, dtype=torch.float32)
        kinds = torch.as_tensor(group)
        size = self._standard_amplitude(rows, kinds)
        scaled = (torch.as_tensor(z) - self.z_centre[kinds]) / self.z_scale[kinds]
        parts = [
            self.context.standardise(rows, kinds),
            size,
            self.amplitude(self.context(rows, kinds)).transform(size),
            self.shape(self.full_context(rows, kinds)).transform(scaled.float()),
        ]
        self.anchors = torch.cat(parts, dim=1).half()
        self.anchor_group = kinds.to(torch.uint8)
        self._anchors = None

    @override
    def freeze(self) -> None:
        super().freeze()
        self._anchors = self._arranged()

    def _arranged(self) -> dict[int, _Anchors]:
        """Arrange the anchors by group, and find the reach of each."""
        arranged = {}
        for g in torch.unique(self.anchor_group).tolist():
            rows = self.anchors[self.anchor_group == g].float()
            if len(rows) > 1:
                n = len(self.config.columns)
                arranged[g] = _Anchors.of(rows, n, self.config.neighbours)
        return arranged

    def _near_anchors(self, noise: Tensor, physics: Tensor, group: Tensor, size: Tensor | None) -> Tensor:
        """Turn normal numbers, the last of which chooses an anchor, into numbers near anchors."""
        if self._anchors is None:
            self._anchors = self._arranged()
        own, place = noise[:, :-1], torch.special.ndtr(noise[:, -1])
        conditions = self.context.standardise(physics, group)
        width = self.config.width
        result = own
        for g in torch.unique(group).tolist():
            anchors = self._anchors.get(g)
            if anchors is None:
                continue
            # All rows for each group that occurs: of one shape, so that a star's row does not feel
            # its company.
            chosen = anchors.choose(conditions, size, place)
            theirs = anchors.amplitude_noise if size is None else anchors.shape_noise
            moved = (1.0 - width**2) ** 0.5 * theirs[chosen] + width * own
            result = torch.where((group == g)[:, None], moved, result)
        return result

    @override
    def _amplitude(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        return super()._amplitude(physics, group, self._near_anchors(noise, physics, group, None))

    @override
    def _shape(self, physics: Tensor, group: Tensor, noise: Tensor) -> Tensor:
        size = self._standard_amplitude(physics, group)[:, 0]
        return super()._shape(physics, group, self._near_anchors(noise, physics, group, size))

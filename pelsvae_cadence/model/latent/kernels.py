r"""Draws from spline flows fed from where training stars are, in NumPy.

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
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from typing_extensions import override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.forward import (
    N_WAVES,
    in_chunks,
    network_inputs,
    of_kinds,
    product,
    single_precision,
)
from pelsvae_cadence.model.latent.conditions import (
    AMPLITUDE,
    AMPLITUDE_HIDDEN,
    AMPLITUDE_TRANSFORMS,
    LatentMapConfig,
)
from pelsvae_cadence.model.latent.draws import LatentDraws
from pelsvae_cadence.model.latent.spline import CouplingSampler
from pelsvae_cadence.model.reference_stars import GROUPS
from pelsvae_cadence.model.weights import Weights, tensor

__all__ = ["FlowDraws", "KernelDraws"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Reach of an anchor in its conditions, in units of the distance to its last neighbour.
_REACH: Final = 0.5
# Least reach, in standard deviations of the conditions: stars with equal labels exist.
_LEAST_REACH: Final = 0.03
# Reach in log A, in standard deviations of the amplitudes of a subtype.
_AMPLITUDE_REACH: Final = 0.25
# Anchors whose distances to all are computed at once.
_AT_ONCE: Final = 128


class FlowDraws(LatentDraws):
    """Draws from conditional spline flows of log A and of z.

    Parameters
    ----------
    weights : Weights
        Holds the tensors of a `pelsvae_cadence.model.latent.flow.FlowMap`.
    config : LatentMapConfig
        Its sizes.
    prefix : str
        What the names of the tensors begin with.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape.
    """

    def __init__(self, weights: Weights, config: LatentMapConfig, prefix: str = "") -> None:
        self.config = config
        groups, n_latent = len(GROUPS), config.n_latent
        self._centre = tensor(weights, f"{prefix}context.centre", (groups, config.n_columns))
        self._scale = tensor(weights, f"{prefix}context.scale", (groups, config.n_columns))
        self._z_centre = tensor(weights, f"{prefix}z_centre", (groups, n_latent))
        self._z_scale = tensor(weights, f"{prefix}z_scale", (groups, n_latent))
        known = groups + 2 * N_WAVES
        self._amplitude = CouplingSampler(
            weights,
            f"{prefix}amplitude.",
            n_features=1,
            n_context=known + len(config.columns),
            hidden=AMPLITUDE_HIDDEN,
            bins=config.bins,
            transforms=AMPLITUDE_TRANSFORMS,
        )
        self._shape = CouplingSampler(
            weights,
            f"{prefix}shape.",
            n_features=n_latent,
            n_context=known + len(config.full_columns),
            hidden=(config.hidden, config.hidden),
            bins=config.bins,
            transforms=config.transforms,
        )

    @override
    def _log_amplitudes(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        return single_precision(in_chunks(self._draw_log_amplitudes, physics, group, noise))

    @override
    def _latents(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        return single_precision(in_chunks(self._draw_latents, physics, group, noise))

    def _draw_log_amplitudes(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        context = network_inputs(physics, group, self._centre, self._scale, self.config.columns)
        drawn = self._amplitude(context, self._fed(noise, physics, group, None))[:, 0]
        return np.asarray(drawn * self._scale[group, AMPLITUDE] + self._centre[group, AMPLITUDE])

    def _draw_latents(self, physics: FloatArray, group: IntArray, noise: FloatArray) -> FloatArray:
        context = network_inputs(physics, group, self._centre, self._scale, self.config.full_columns)
        size = (physics[:, AMPLITUDE] - self._centre[group, AMPLITUDE]) / self._scale[group, AMPLITUDE]
        drawn = self._shape(context, self._fed(noise, physics, group, size))
        return drawn * self._z_scale[group] + self._z_centre[group]

    def _fed(
        self, noise: FloatArray, physics: FloatArray, group: IntArray, size: FloatArray | None
    ) -> FloatArray:
        """Give the numbers that enter the flow."""
        return noise


@dataclass(frozen=True)
class _Anchors:
    """Training stars of one group.

    The exponent of a Gaussian kernel is a product of the features [1, x, |x|^2, a] of a star and of
    weights of the anchor, up to a term that all anchors share.
    """

    conditions: FloatArray  # (2 + n_conditions, M) weights of the features but the amplitude
    all_conditions: FloatArray  # (3 + n_conditions, M) weights where the amplitude is known
    amplitude_noise: FloatArray  # (M, 1)
    shape_noise: FloatArray  # (M, n_latent)

    @classmethod
    def of(cls, rows: FloatArray, n_conditions: int, neighbours: int) -> _Anchors:
        """Find the reach of each anchor and prepare its weights.

        Parameters
        ----------
        rows : ndarray of float64, shape (M, n_conditions + 2 + n_latent)
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
        reach = np.maximum(_REACH * _distance(x, min(neighbours, len(x) - 1)), _LEAST_REACH)
        sharp = reach**-2
        level = -0.5 * sharp * np.square(x).sum(axis=1) - n_conditions * np.log(reach)
        given = [sharp * x.T, -0.5 * sharp[None]]
        sharp_size = _AMPLITUDE_REACH**-2
        return cls(
            conditions=np.concatenate([level[None], *given]),
            all_conditions=np.concatenate(
                [(level - 0.5 * sharp_size * size**2)[None], *given, sharp_size * size[None]]
            ),
            amplitude_noise=rows[:, n_conditions + 1 : n_conditions + 2],
            shape_noise=rows[:, n_conditions + 2 :],
        )

    def choose(self, conditions: FloatArray, log_amplitude: FloatArray | None, place: FloatArray) -> IntArray:
        """Choose an anchor for each star, near ones rather than far ones.

        Parameters
        ----------
        conditions : ndarray of float64, shape (N, n_conditions)
            Standardised conditions; see `pelsvae_cadence.model.forward.product` for N.
        log_amplitude : ndarray of float64, shape (N,), optional
            Standardised log A, where it is known.
        place : ndarray of float64, shape (N,)
            Numbers between 0 and 1, uniform for random choices.

        Returns
        -------
        ndarray of int64, shape (N,)
            Anchors.
        """
        parts = [np.ones((len(place), 1)), conditions, np.square(conditions).sum(axis=1, keepdims=True)]
        weights = self.conditions
        if log_amplitude is not None:
            parts.append(log_amplitude[:, None])
            weights = self.all_conditions
        level = product(np.concatenate(parts, axis=1), weights)
        level -= level.max(axis=1, keepdims=True)
        # The floor is far below what counts, and far above numbers that are slow to compute with.
        total = np.cumsum(np.exp(np.maximum(level, -50.0, out=level), out=level), axis=1)
        sought = place[:, None] * total[:, -1:]
        return np.asarray(np.minimum(np.count_nonzero(total < sought, axis=1), total.shape[1] - 1))


def _distance(x: FloatArray, rank: int) -> FloatArray:
    """Measure how far the neighbour of a rank is from each of M rows, itself being of rank 0."""
    found = [
        np.partition(np.square(x[start : start + _AT_ONCE, None] - x).sum(axis=2), rank, axis=1)[:, rank]
        for start in range(0, len(x), _AT_ONCE)
    ]
    return np.asarray(np.sqrt(np.concatenate(found)))


class KernelDraws(FlowDraws):
    """Draws from flows fed from where training stars are.

    Parameters
    ----------
    weights : Weights
        Holds the tensors of a `pelsvae_cadence.model.latent.flow.KernelFlowMap`.
    config : LatentMapConfig
        Its sizes. A group without anchors is drawn from the Gaussian.
    prefix : str
        What the names of the tensors begin with.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape, or an anchor is of no known group.
    """

    _n_choices = 1  # of an anchor

    def __init__(self, weights: Weights, config: LatentMapConfig, prefix: str = "") -> None:
        super().__init__(weights, config, prefix)
        width = len(config.columns) + 2 + config.n_latent
        self._rows = tensor(weights, f"{prefix}anchors", (config.anchors, width))
        self._row_group = tensor(weights, f"{prefix}anchor_group", (config.anchors,)).astype(np.int64)
        if (self._row_group >= len(GROUPS)).any():
            raise InputError(f"weights {weights.name!r} hold anchors of unknown groups")
        # Distances between anchors take a while, so those of a group are made when it is first drawn.
        self._arranged: dict[int, _Anchors | None] = {}

    def _anchors(self, group: int) -> _Anchors | None:
        if group not in self._arranged:
            rows = self._rows[self._row_group == group]
            n = len(self.config.columns)
            self._arranged[group] = _Anchors.of(rows, n, self.config.neighbours) if len(rows) > 1 else None
        return self._arranged[group]

    @override
    def _fed(
        self, noise: FloatArray, physics: FloatArray, group: IntArray, size: FloatArray | None
    ) -> FloatArray:
        """Turn normal numbers, the last of which chooses an anchor, into numbers near anchors."""
        own, place = noise[:, :-1].copy(), ndtr(noise[:, -1])
        used = list(self.config.columns)
        conditions = (physics[:, used] - self._centre[group][:, used]) / self._scale[group][:, used]
        width = self.config.width
        for g, rows, filled in of_kinds(group):
            anchors = self._anchors(g)
            if anchors is None:
                continue
            near = None if size is None else size[filled]
            chosen = anchors.choose(conditions[filled], near, place[filled])[: rows.size]
            theirs = anchors.amplitude_noise if size is None else anchors.shape_noise
            own[rows] = np.sqrt(1.0 - width**2) * theirs[chosen] + width * own[rows]
        return own

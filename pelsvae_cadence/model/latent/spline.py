"""Draws from coupling spline flows in NumPy, of the tensors of a flow trained with zuko.

zuko inverts a coupling transform in two passes over all features, and builds every spline from
scratch in each. Only half of either result is used; here each half is computed once, what depends
on the context alone is computed for all transforms together, and masks are applied beforehand.
The equations are those of Durkan et al. 2019 (arXiv:1906.04032, section 3.1, equations 6-8) with
zuko's parametrisation; a test holds both to the same numbers.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.forward import product
from pelsvae_cadence.model.weights import Weights, tensor

__all__ = ["CouplingSampler"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_BOUND: Final = 5.0  # zuko's spline domain is [-5, 5]
_SLOPE: Final = 1e-3  # and its smallest slope


@dataclass(frozen=True)
class _Half:
    """One half of the features of one transform, with the network that shapes their splines."""

    features: IntArray  # (F,) indices
    context: slice  # its columns in the joint first layer
    others: FloatArray | None  # (n_features, hidden) first-layer weights of the features already known
    middle: tuple[tuple[FloatArray, FloatArray], ...]  # hidden layers after the first
    weight: FloatArray  # (hidden, F * (3 bins - 1))
    bias: FloatArray


class CouplingSampler:
    """Inverse of a trained flow as a function of context and standard normal numbers.

    Parameters
    ----------
    weights : Weights
        Holds the tensors of a ``zuko.flows.NSF`` of two passes, or of one feature.
    prefix : str
        What their names begin with.
    n_features, n_context : int
        Features and numbers of the context.
    hidden : tuple of int
        Widths of the hidden layers.
    bins : int
        Spline bins.
    transforms : int
        Number of transforms.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape, or the flow is no coupling flow.
    """

    def __init__(
        self,
        weights: Weights,
        prefix: str,
        *,
        n_features: int,
        n_context: int,
        hidden: tuple[int, ...],
        bins: int,
        transforms: int,
    ) -> None:
        several = n_features > 1
        n_out = 3 * bins - 1
        widths = (n_context + several * n_features, *hidden, n_features * n_out)
        self._halves: list[_Half] = []
        joint: list[FloatArray] = []
        biases: list[FloatArray] = []
        for t in reversed(range(transforms)):
            base = f"{prefix}transform.transforms.{t}."
            layers = []
            for i, (a, b) in enumerate(itertools.pairwise(widths)):
                matrix = tensor(weights, f"{base}hyper.{2 * i}.weight", (b, a))
                if several:
                    matrix *= tensor(weights, f"{base}hyper.{2 * i}.mask", (b, a))
                layers.append((matrix, tensor(weights, f"{base}hyper.{2 * i}.bias", (b,))))
            order = tensor(weights, f"{base}order", (n_features,)) if several else np.zeros(1)
            if not set(order.tolist()) <= {0.0, 1.0}:
                raise InputError(f"weights {weights.name!r} hold a flow of more than two passes")
            first, start = layers[0][0], hidden[0] * len(joint)
            joint.append(first[:, -n_context:].T)
            biases.append(layers[0][1])
            rows = layers[-1][0].reshape(n_features, n_out, hidden[-1])
            ends = layers[-1][1].reshape(n_features, n_out)
            for value in range(int(order.max()) + 1):
                mine = np.flatnonzero(order == value)
                self._halves.append(
                    _Half(
                        features=mine,
                        context=slice(start, start + hidden[0]),
                        others=np.ascontiguousarray(first[:, :-n_context].T) if value else None,
                        middle=tuple((np.ascontiguousarray(w.T), bias) for w, bias in layers[1:-1]),
                        weight=np.ascontiguousarray(rows[mine].reshape(-1, hidden[-1]).T),
                        bias=ends[mine].reshape(-1),
                    )
                )
        self._weight, self._bias = np.concatenate(joint, axis=1), np.concatenate(biases)
        limit = -math.log(_SLOPE)
        # zuko's inverse limits of widths and heights, and of slopes.
        self._squash = np.array([2.0 / limit] * (2 * bins) + [1.0 / limit] * (bins - 1))

    def __call__(self, context: FloatArray, noise: FloatArray) -> FloatArray:
        """Draw.

        Parameters
        ----------
        context : ndarray of float64, shape (N, n_context)
            Context; see `pelsvae_cadence.model.forward.product` for N.
        noise : ndarray of float64, shape (N, n_features)
            Standard normal numbers.

        Returns
        -------
        ndarray of float64, shape (N, n_features)
            The draws.
        """
        first = product(context, self._weight) + self._bias
        value = noise.copy()
        known = np.zeros_like(noise)
        for half in self._halves:
            hidden = first[:, half.context]
            if half.others is None:
                known[:] = 0.0
            else:
                hidden = hidden + product(known, half.others)
            hidden = np.maximum(hidden, 0.0)
            for weight, bias in half.middle:
                hidden = np.maximum(product(hidden, weight) + bias, 0.0)
            phi = product(hidden, half.weight) + half.bias
            phi = phi.reshape(len(noise), len(half.features), len(self._squash))
            drawn = self._inverse_spline(phi, value[:, half.features])
            known[:, half.features] = drawn
            value[:, half.features] = drawn
        return value

    def _inverse_spline(self, phi: FloatArray, y: FloatArray) -> FloatArray:
        """Invert monotonic rational-quadratic splines, the identity outside [-5, 5].

        `phi` holds unconstrained widths, heights and knot derivatives, shape (N, F, 3 bins - 1), `y` values
        of the splines, shape (N, F); their arguments are returned.
        """
        n_bins = (len(self._squash) + 1) // 3
        # Squashed values stay below half the limit, so exponentials need no running maximum.
        divisor = np.abs(phi)
        divisor *= self._squash
        divisor += 1.0
        phi /= divisor
        squashed = np.exp(phi, out=phi).reshape(y.size, len(self._squash))
        table = np.zeros((y.size, 2, n_bins + 1))
        np.cumsum(squashed[:, : 2 * n_bins].reshape(y.size, 2, n_bins), axis=2, out=table[:, :, 1:])
        slopes = np.ones((y.size, n_bins + 1))
        slopes[:, 1:-1] = squashed[:, 2 * n_bins :]
        flat = y.reshape(-1)
        inside = np.abs(flat) < _BOUND
        # Knots are looked up as running sums; only the four that are needed are put to scale.
        total = table[:, :, -1]
        sought = (flat * (0.5 / _BOUND) + 0.5) * total[:, 1]
        place = np.count_nonzero(table[:, 1, 1:-1] < sought[:, None], axis=1)
        here = np.arange(y.size)
        scale = 2.0 * _BOUND / total
        x0, x1 = (table[here, 0, at] * scale[:, 0] - _BOUND for at in (place, place + 1))
        y0, y1 = (table[here, 1, at] * scale[:, 1] - _BOUND for at in (place, place + 1))
        d0, d1 = slopes[here, place], slopes[here, place + 1]
        s = (y1 - y0) / (x1 - x0)
        up = np.where(inside, flat - y0, 0.0)
        bend = up * (d0 + d1 - 2.0 * s)
        a = (y1 - y0) * (s - d0) + bend
        b = (y1 - y0) * d0 - bend
        c = -s * up
        z = 2.0 * c / (-b - np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)))
        return np.where(inside, x0 + z * (x1 - x0), flat).reshape(y.shape)

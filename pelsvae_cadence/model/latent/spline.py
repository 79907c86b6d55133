"""Fast draws from zuko's coupling spline flows.

zuko inverts a coupling transform in two passes over all features, and builds every spline from
scratch in each. Only half of either result is used; here each half is computed once, what depends
on the context alone is computed for all transforms together, and masks are applied beforehand.
The equations are those of Durkan et al. 2019 (arXiv:1906.04032, section 3.1, equations 6-8) with
zuko's parametrisation; a test holds both to the same numbers.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

__all__ = ["CouplingSampler"]

_BOUND: Final = 5.0  # zuko's spline domain is [-5, 5]
_SLOPE: Final = 1e-3  # and its smallest slope
_ONE: Final = torch.ones(())


@functools.cache
def _squash(n_bins: int) -> Tensor:
    """Give zuko's inverse limits of widths and heights, and of slopes: shape (3 n_bins - 1,)."""
    limit = -math.log(_SLOPE)
    with torch.inference_mode(mode=False):  # kept, so it must serve everywhere
        return torch.tensor([2.0 / limit] * (2 * n_bins) + [1.0 / limit] * (n_bins - 1))


@dataclass(frozen=True)
class _Half:
    """One half of the features of one transform, with the network that shapes their splines."""

    features: Tensor  # (F,) indices
    context: slice  # its columns in the joint first layer
    others: Tensor | None  # (n_features, hidden) first-layer weights of the features already known
    middle: tuple[tuple[Tensor, Tensor], ...]  # hidden layers after the first
    weight: Tensor  # (hidden, F * (3 bins - 1))
    bias: Tensor


class CouplingSampler:
    """Inverse of a trained flow as a function of context and standard normal numbers.

    Parameters
    ----------
    flow : zuko.flows.NSF
        A flow with `passes` = 2, or of one feature. Its weights must not change afterwards.
    """

    def __init__(self, flow: Any) -> None:
        self._halves: list[_Half] = []
        weights: list[Tensor] = []
        biases: list[Tensor] = []
        for transform in reversed(list(flow.transform.transforms)):
            layers = [m for m in transform.hyper if hasattr(m, "weight")]
            matrices = [(m.weight * m.mask if hasattr(m, "mask") else m.weight).detach() for m in layers]
            order = getattr(transform, "order", None)
            order = torch.zeros(1, dtype=torch.long) if order is None else order
            n_features = len(order)
            hidden = matrices[0].shape[0]
            n_context = matrices[0].shape[1] - (n_features if n_features > 1 else 0)
            start = sum(w.shape[1] for w in weights)
            weights.append(matrices[0][:, -n_context:].T)
            biases.append(layers[0].bias.detach())
            head = matrices[0][:, :-n_context].T.contiguous() if n_features > 1 else None
            rows = matrices[-1].reshape(n_features, -1, matrices[-1].shape[1])
            ends = layers[-1].bias.detach().reshape(n_features, -1)
            middle = tuple(
                (w.T.contiguous(), layer.bias.detach())
                for w, layer in zip(matrices[1:-1], layers[1:-1], strict=True)
            )
            for value in range(int(order.max()) + 1):
                mine = torch.nonzero(order == value)[:, 0]
                self._halves.append(
                    _Half(
                        features=mine,
                        context=slice(start, start + hidden),
                        others=head if value else None,
                        middle=middle,
                        weight=rows[mine].reshape(-1, rows.shape[2]).T.contiguous(),
                        bias=ends[mine].reshape(-1).contiguous(),
                    )
                )
        self._weight = torch.cat(weights, dim=1).contiguous()
        self._bias = torch.cat(biases)

    def __call__(self, context: Tensor, noise: Tensor) -> Tensor:
        """Draw.

        Parameters
        ----------
        context : Tensor, shape (N, n_context)
            Context.
        noise : Tensor, shape (N, n_features)
            Standard normal numbers.

        Returns
        -------
        Tensor, shape (N, n_features)
            The draws.
        """
        first = torch.addmm(self._bias, context, self._weight)
        value = noise
        known = torch.zeros_like(noise)
        for half in self._halves:
            hidden = first[:, half.context]
            if half.others is None:
                known = torch.zeros_like(noise)
            else:
                hidden = torch.addmm(hidden, known, half.others)
            hidden = hidden.relu()
            for weight, bias in half.middle:
                hidden = torch.addmm(bias, hidden, weight).relu()
            phi = torch.addmm(half.bias, hidden, half.weight)
            phi = phi.reshape(len(noise), len(half.features), -1)
            drawn = _inverse_spline(phi, value.index_select(1, half.features))
            known = known.index_copy(1, half.features, drawn)
            value = value.index_copy(1, half.features, drawn)
        return value


def _inverse_spline(phi: Tensor, y: Tensor) -> Tensor:
    """Invert monotonic rational-quadratic splines, the identity outside [-5, 5].

    Parameters
    ----------
    phi : Tensor, shape (N, F, 3 bins - 1)
        Unconstrained widths, heights and knot derivatives.
    y : Tensor, shape (N, F)
        Values of the splines.

    Returns
    -------
    Tensor, shape (N, F)
        Their arguments.
    """
    n_bins = (phi.shape[-1] + 1) // 3
    # Squashed values stay below half the limit, so exponentials need no running maximum.
    squashed = (phi / torch.addcmul(_ONE, phi.abs(), _squash(n_bins))).exp()
    sizes = squashed[..., : 2 * n_bins].reshape(*y.shape, 2, n_bins)
    steps = sizes.cumsum(dim=-1)
    table = nn.functional.pad(steps, (1, 0))
    slopes = nn.functional.pad(squashed[..., 2 * n_bins :], (1, 1), value=1.0)
    inside = y.abs() < _BOUND
    # Knots are looked up as running sums; only the four that are needed are put to scale.
    total = steps[..., -1:]
    sought = (y * (0.5 / _BOUND) + 0.5)[..., None] * total[..., 1, :]
    place = (steps[..., 1, :-1] < sought).sum(dim=-1, keepdim=True)
    index = torch.cat([place, place + 1], dim=-1)
    found = table.gather(-1, index[..., None, :].expand(*y.shape, 2, 2))
    knots = found * (2.0 * _BOUND / total) - _BOUND
    x0, x1, y0, y1 = knots.flatten(-2).unbind(-1)
    d0, d1 = slopes.gather(-1, index).unbind(-1)
    s = (y1 - y0) / (x1 - x0)
    up = torch.where(inside, y - y0, 0.0)
    bend = up * (d0 + d1 - 2.0 * s)
    a = (y1 - y0) * (s - d0) + bend
    b = (y1 - y0) * d0 - bend
    c = -s * up
    z = 2.0 * c / (-b - (b * b - 4.0 * a * c).clamp(min=0.0).sqrt())
    return torch.where(inside, x0 + z * (x1 - x0), y)

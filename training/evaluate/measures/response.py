"""Response of a source model to each input: own physics against another star's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.model.reference_stars import PARAMETERS
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.training.evaluate.errors import bootstrap_error
from pelsvae_cadence.training.evaluate.measures.samples import stars_of
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["Response", "response"]

_GRID: Final = np.arange(128) / 128


@dataclass(frozen=True, kw_only=True)
class Response:
    """Response of the drawn shapes to one input, or to all.

    Parameters
    ----------
    change : float
        Median RMS change of a shape, in amplitudes, when the input becomes that of another star
        of the subtype and the random numbers stay.
    gain : float
        Mean square difference between drawn and real shape with the other star's input over the
        one with the star's own: above 1 where the model answers the input as nature does, 1 where
        the shapes do not depend on it.
    error : float
        Standard error of the gain, from resampled stars.
    """

    change: float
    gain: float
    error: float


def response(
    model: LightCurveModel, rows: OpenSet, *, seeds: tuple[int, ...] = (0, 1, 2, 3)
) -> dict[str, Response]:
    """Permute each input among the stars of a subtype, and all of them together.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        Real stars of one class on which the model was not trained.
    seeds : tuple of int
        Seeds of draws and permutations.

    Returns
    -------
    dict of str to Response
        By parameter, and ``"all"``.
    """
    star_class = str(rows.star_class[0])
    inside = {name: np.array(getattr(rows, name)) for name in PARAMETERS}
    for kind in np.unique(rows.subtype).tolist():
        mine = rows.subtype == kind
        for name, limits in model.ranges(star_class, kind).items():
            inside[name][mine] = np.clip(inside[name][mine], *limits)
    stars = stars_of(rows, **inside)
    truth = rows.curve.evaluate(_GRID)
    found = {}
    cases = {name: (name,) for name in PARAMETERS} | {"all": PARAMETERS}
    own = np.stack([_curves(model, stars, seed) for seed in seeds])
    own_square = ((own - truth) ** 2).mean(axis=(0, 2))
    for case, names in cases.items():
        other = np.stack([_curves(model, _permuted(stars, names, seed), seed) for seed in seeds])
        square = ((other - truth) ** 2).mean(axis=(0, 2))
        found[case] = Response(
            change=float(np.median(np.sqrt(((other - own) ** 2).mean(axis=2)))),
            gain=_gain(square, own_square, slice(None)),
            error=bootstrap_error(partial(_gain, square, own_square), len(rows), seed=0),
        )
    return found


def _gain(square: FloatArray, own: FloatArray, rows: npt.NDArray[np.int64] | slice) -> float:
    return float(square[rows].sum() / own[rows].sum())


def _curves(model: LightCurveModel, stars: Stars, seed: int) -> FloatArray:
    return model.phase_curve(stars, seed=seed).evaluate(_GRID)


def _permuted(stars: Stars, names: tuple[str, ...], seed: int) -> Stars:
    rng = np.random.default_rng(seed)
    order = np.arange(len(stars))
    for kind in np.unique(stars.subtype).tolist():
        mine = np.flatnonzero(stars.subtype == kind)
        order[mine] = rng.permutation(mine)
    return replace(stars, **{name: np.asarray(getattr(stars, name))[order] for name in names})

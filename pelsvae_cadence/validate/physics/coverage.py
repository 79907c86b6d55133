"""Coverage of the posterior's intervals on simulated stars: where truths lie among their samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chisquare

from pelsvae_cadence.core.arrays import FloatArray, StrArray
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.physics.draws import NO_DISTANCE
from pelsvae_cadence.inference.physics.samples import PhysicalSamples
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.validate.physics.simulated import simulated_stars
from pelsvae_cadence.validate.report import Figure, share_error

__all__ = ["INTERVALS", "QUANTITIES", "Covered", "cover", "coverage_figures", "inside", "ranks", "uniformity"]

#: Quantities that are judged; the others of `PHYSICS_COLUMNS` stand in the table alone.
QUANTITIES: Final = {"period": "log P", "distance_modulus": "DM", "teff": "Teff", "abs_mag_g": "M_G"}
#: Intervals and the share of truths that they should hold.
INTERVALS: Final = {0.68: (0.63, 0.73), 0.95: (0.92, 0.98)}
_BINS: Final = 10
_LEAST_P: Final = 0.01
_MOST_PER_CALL: Final = 25


@dataclass(frozen=True, kw_only=True)
class Covered:
    """Simulated stars of one cadence and where their truths lie.

    Parameters
    ----------
    star_class : ndarray of str, shape (N,)
        True classes.
    rank : mapping of str to ndarray of float64, shape (N,)
        Share of samples below the truth; NaN where the posterior or the truth lacks the quantity.
    width : mapping of str to ndarray of float64, shape (N,)
        Half the 68 % interval.
    """

    star_class: StrArray
    rank: Mapping[str, FloatArray]
    width: Mapping[str, FloatArray]


def ranks(samples: PhysicalSamples, truth: Stars, *, seed: int = 0) -> dict[str, FloatArray]:
    """Tell where truths lie among the samples.

    Parameters
    ----------
    samples : PhysicalSamples
        Samples of N stars.
    truth : Stars
        The stars.
    seed : int
        Seed of the place within a step.

    Returns
    -------
    dict of str to ndarray of float64, shape (N,)
        By quantity out of `QUANTITIES`: (samples below the truth + u) / (samples + 1) with u uniform; NaN where
        fewer than half of the samples have the quantity, or the true subtype has no distance.
    """
    random = KeyedRandom(seed=seed)
    pairs = zip(truth.star_class.tolist(), truth.subtype.tolist(), strict=True)
    no_distance = np.array([pair in NO_DISTANCE for pair in pairs])
    out = {}
    for name in QUANTITIES:
        drawn, true = getattr(samples, name), getattr(truth, name)
        known = np.isfinite(drawn)
        below = (known & (drawn < true[:, None])).sum(axis=1)
        n = known.sum(axis=1)
        rank = (below + random.uniform(f"rank of {name}", truth.star_id)) / (n + 1.0)
        lacking = 2 * n < samples.n_samples
        if name == "distance_modulus":
            lacking |= no_distance
        out[name] = np.where(lacking, np.nan, rank)
    return out


def inside(rank: FloatArray, q: float) -> FloatArray:
    """Tell which truths lie in the central interval, of those that are known."""
    return np.asarray(np.abs(rank[np.isfinite(rank)] - 0.5) <= 0.5 * q)


def uniformity(rank: FloatArray) -> float:
    """Give the probability that ranks of a calibrated posterior are as uneven: chi squared over ten bins."""
    counts, _ = np.histogram(rank[np.isfinite(rank)], _BINS, (0.0, 1.0))
    return float(chisquare(counts).pvalue)


def cover(
    classes: Sequence[str],
    n: int,
    cadence: str,
    *,
    scattered: bool = True,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Covered:
    """Draw stars from the prior, observe them, read them, and see where the truths lie.

    Parameters
    ----------
    classes : sequence of str
        Classes, alike likely to the draw and to `infer`.
    n : int
        Stars in all.
    cadence : str
        Out of `pelsvae_cadence.validate.physics.simulated.CADENCES`.
    scattered : bool
        Whether colours scatter as the posterior allows for, or are exactly the model's.
    seed : int
        Seed of the stars.
    progress : callable, optional
        Called with the number of stars read.

    Returns
    -------
    Covered
        The stars and their ranks.
    """
    model = LightCurveModel.load()
    sample = simulated_stars(model, classes, n, cadence, scattered=scattered, seed=seed)
    parts = []
    for start in range(0, n, _MOST_PER_CALL):
        rows = np.arange(start, min(start + _MOST_PER_CALL, n))
        found = infer(
            sample.light_curves.take(rows),
            model=model,
            priors=Priors(classes=dict.fromkeys(classes, 1.0), unseen=0.0, no_period=0.0),
            physics=True,
        )
        parts.append(found.physics)
        if progress is not None:
            progress(rows.size)
    samples = PhysicalSamples.concatenate([part for part in parts if part is not None])
    ends = samples.interval(0.68)
    return Covered(
        star_class=sample.stars.star_class,
        rank=ranks(samples, sample.stars, seed=seed),
        width={name: 0.5 * (ends[name][:, 1] - ends[name][:, 0]) for name in QUANTITIES},
    )


def coverage_figures(covered: Mapping[str, Covered]) -> list[Figure]:
    """Judge intervals and ranks, cadence by cadence over all classes.

    Parameters
    ----------
    covered : mapping of str to Covered
        By cadence.

    Returns
    -------
    list of Figure
        With targets.
    """
    figures = []
    for cadence, stars in covered.items():
        for name, words in QUANTITIES.items():
            rank = stars.rank[name]
            n = int(np.isfinite(rank).sum())
            if not n:
                continue
            for q, (low, high) in INTERVALS.items():
                share = float(inside(rank, q).mean())
                figures.append(
                    Figure.within(
                        f"{cadence}: truths of {words} in {100 * q:g} % intervals",
                        share,
                        low,
                        high,
                        error=share_error(share, n),
                        note=f"n = {n}",
                    )
                )
            title = f"{cadence}: uniform ranks of {words}, p"
            figures.append(Figure.within(title, uniformity(rank), _LEAST_P, note=f"n = {n}"))
    return figures

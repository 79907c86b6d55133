"""The paper's augmentation, of training stars only.

Martinez-Palomera, Bloom & Abrahams (2020) enlarge small classes with copies of real light curves:
magnitudes drawn again from N(mag, mag_err), a phase shift from U[0, 1], random undersampling. The
numbers per class and the order of the steps are those of the published notebook
``preprocess_OGLE3``. Three things differ, on purpose:

* the notebook augments first and splits the rows; here the stars are split first, and only stars
  of the training set are copied, so that validation and test hold real light curves only;
* the notebook announces copies of "sources with physical params first", but draws them from all
  stars of the class; here they are drawn from the stars with parameters;
* a class in `AugmentationOptions.capped` with more stars than its target gives up stars without
  parameters first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.arrays import FloatArray, IntArray, ragged_rows
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import SPLITS, require_whole_stars, star_numbers
from pelsvae_cadence.training.preprocess.folded_light_curves import FoldedLightCurves
from pelsvae_cadence.training.preprocess.folding import Points, fold_light_curves, fold_rows

__all__ = [
    "PARAMETER_TARGETS",
    "TARGETS",
    "AugmentationOptions",
    "augment_light_curves",
    "copies_per_class",
    "resample_and_shift",
]

#: Rows wanted per class (published notebook, ``counts_dict``).
TARGETS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ACEP": 5000,
        "CEP": 10000,
        "DSCT": 5000,
        "ECL": 10000,
        "ELL": 10000,
        "LPV": 10000,
        "RRLYR": 10000,
        "T2CEP": 5000,
    }
)
#: Rows wanted of stars with physical parameters (published notebook, ``cnt_dict``).
PARAMETER_TARGETS: Final[Mapping[str, int]] = MappingProxyType(
    {"ACEP": 0, "CEP": 50, "DSCT": 100, "ECL": 100, "ELL": 500, "LPV": 50, "RRLYR": 200, "T2CEP": 50}
)


@dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """The numbers of the augmentation; the defaults are the published ones.

    Parameters
    ----------
    t_len : int
        Points of a folded light curve.
    targets : mapping of str to int
        Rows wanted in the training set per class.
    parameter_targets : mapping of str to int
        Rows wanted of stars with physical parameters, which are copied first and on top.
    capped : tuple of str
        Classes cut down to their target if they have more training stars.

    Raises
    ------
    InputError
        If a target is negative.
    """

    t_len: int = 300
    targets: Mapping[str, int] = field(default_factory=lambda: TARGETS)
    parameter_targets: Mapping[str, int] = field(default_factory=lambda: PARAMETER_TARGETS)
    capped: tuple[str, ...] = ("ECL",)

    def __post_init__(self) -> None:
        for star_class, target in (*self.targets.items(), *self.parameter_targets.items()):
            if target < 0:
                raise InputError(f"target {target} of {star_class} is negative")


def copies_per_class(
    n_stars: int, n_with_parameters: int, star_class: str, options: AugmentationOptions
) -> tuple[int, int]:
    """Count the copies a class needs.

    Parameters
    ----------
    n_stars : int
        Real light curves of the class.
    n_with_parameters : int
        How many of them have physical parameters.
    star_class : str
        The class.
    options : AugmentationOptions
        The targets.

    Returns
    -------
    from_parameters : int
        Copies of stars with parameters.
    from_all : int
        Copies of any star of the class; the first ones are on top of the target, as published.
    """
    first = options.parameter_targets.get(star_class, 0) - n_with_parameters
    second = options.targets.get(star_class, 0) - n_stars
    return (max(first, 0) if n_with_parameters else 0), (max(second, 0) if n_stars else 0)


def resample_and_shift(
    curves: RawLightCurves, rows: IntArray, copy: IntArray, *, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fold light curves, draw their magnitudes again, and shift their phases.

    Parameters
    ----------
    curves : RawLightCurves
        Cleaned light curves.
    rows : ndarray of int64, shape (n,)
        The light curve behind each copy.
    copy : ndarray of int64, shape (n,)
        Number of each copy among those of its star, 1 or more.
    seed : int
        The random seed; a copy depends on the seed, the star's name and the number of the copy.

    Returns
    -------
    phase, shifted : ndarray of float64, shape (n_points,)
        Phases before and after the shift, copy after copy.
    mag, mag_err : ndarray of float64, shape (n_points,)
        Magnitudes drawn from N(mag, mag_err), and the errors.
    """
    random = KeyedRandom(seed=seed)
    number = star_numbers(curves.star[rows])
    lengths = curves.n_points[rows]
    points = ragged_rows(curves.offsets, rows)
    owner = np.repeat(np.arange(rows.size), lengths)
    within = np.arange(owner.size) - (np.cumsum(lengths) - lengths)[owner]
    noise = random.normal("augment: magnitude", number[owner], (copy[owner] << 32) + within)
    mag = curves.mag[points] + curves.mag_err[points] * noise
    period = curves.period[rows][owner]
    phase = np.mod(curves.time[points], period) / period
    shift = random.uniform("augment: phase", number, copy)
    return phase, np.mod(phase + shift[owner], 1.0), mag, curves.mag_err[points]


def augment_light_curves(
    curves: RawLightCurves,
    split: npt.ArrayLike,
    has_parameters: npt.ArrayLike | None = None,
    options: AugmentationOptions | None = None,
    *,
    seed: int,
) -> tuple[FoldedLightCurves, npt.NDArray[np.str_], pd.DataFrame]:
    """Fold all light curves and add copies of training stars.

    Parameters
    ----------
    curves : RawLightCurves
        Cleaned light curves.
    split : array_like of str, shape (N,)
        ``"train"``, ``"validation"`` or ``"test"`` for each (`split_by_star`).
    has_parameters : array_like of bool, shape (N,), optional
        Which stars have physical parameters (in the paper: Gaia's luminosity and radius).
        Default: none.
    options : AugmentationOptions, optional
        The numbers.
    seed : int
        The random seed.

    Returns
    -------
    folded : FoldedLightCurves
        Real light curves first (``copy`` 0), then the copies.
    split : ndarray of str, shape (n_rows,)
        Split of each row; copies are all in ``"train"``.
    counts : DataFrame
        Per class: stars in each split, stars left out by the cap, copies of stars with parameters
        and of all stars, rows in the training set.

    Raises
    ------
    InputError
        If a star is in two splits, or lengths differ.
    """
    settings = AugmentationOptions() if options is None else options
    sets = np.asarray(split).astype(str)
    require_whole_stars(curves.star, sets)
    parameters = np.zeros(len(curves), dtype=bool)
    if has_parameters is not None:
        parameters = np.asarray(has_parameters, dtype=bool)
        if parameters.shape != sets.shape:
            raise InputError(f"has_parameters has shape {parameters.shape}, expected {sets.shape}")
    unknown = sorted(set(sets.tolist()) - set(SPLITS))
    if unknown:
        raise InputError(f"unknown split {unknown[0]!r}", allowed=", ".join(SPLITS))
    random = KeyedRandom(seed=seed)
    kept = np.ones(len(curves), dtype=bool)
    chosen: list[IntArray] = []
    counts = []
    for star_class in sorted(set(curves.star_class.tolist())):
        own = curves.star_class == star_class
        train = np.flatnonzero(own & (sets == "train"))
        target = settings.targets.get(star_class, 0)
        dropped = np.empty(0, dtype=np.int64)
        if star_class in settings.capped and train.size > target:
            key = random.uniform("augment: cap", star_numbers(curves.star[train]))
            dropped = train[np.lexsort((key, ~parameters[train]))][target:]
            kept[dropped] = False
            train = np.setdiff1d(train, dropped)
        with_parameters = train[parameters[train]]
        first, second = copies_per_class(train.size, with_parameters.size, star_class, settings)
        chosen.append(_choose(curves, with_parameters, first, random, f"{star_class} parameters"))
        chosen.append(_choose(curves, train, second, random, star_class))
        counts.append(
            {
                "class": star_class,
                **{part: int((own & (sets == part)).sum()) for part in SPLITS},
                "left out by cap": int(dropped.size),
                "copies, with parameters": first,
                "copies, all": second,
                "training rows": int(train.size) + first + second,
            }
        )
    real = fold_light_curves(curves.take(kept), t_len=settings.t_len, seed=seed)
    rows = np.concatenate(chosen)
    # Copies of a star are numbered 1, 2, ... whichever band or draw they come from.
    stars = pd.Series(curves.star[rows])
    copy = stars.groupby(stars).cumcount().to_numpy(np.int64) + 1

    def points(some: IntArray, copies: IntArray) -> Points:
        return resample_and_shift(curves, some, copies, seed=seed)[1:]

    copies = fold_rows(curves, rows, copy, points, purpose="augment", t_len=settings.t_len, seed=seed)
    folded = FoldedLightCurves.concatenate([real, copies])
    row_split = np.concatenate([sets[kept], np.full(rows.size, "train")])
    require_whole_stars(folded.star, row_split)
    return folded, row_split, pd.DataFrame(counts).set_index("class")


def _choose(curves: RawLightCurves, rows: IntArray, n: int, random: KeyedRandom, purpose: str) -> IntArray:
    """Draw `n` of the given light curves with replacement, whatever their order in the table."""
    if n == 0:
        return np.empty(0, dtype=np.int64)
    by_name = rows[np.argsort(curves.star[rows], kind="stable")]
    draw = random.uniform(f"augment: star of {purpose}", 0, np.arange(n))
    return by_name[(draw * by_name.size).astype(np.int64)]

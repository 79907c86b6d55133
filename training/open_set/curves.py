"""The open set in the paper's form: folded noisy light curves, augmented to the paper's numbers.

The network that ships draws fresh noisy points of every training star at every step and needs no
copies. Sequence networks, and comparisons with the paper, need a table of light curves: this is it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.arrays import FloatArray, IntArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.splits import SPLITS, star_numbers
from pelsvae_cadence.training.labels.catalogue import MIRA_BULGE_A_I
from pelsvae_cadence.training.labels.physical import A_I, DISTANCE_MODULUS
from pelsvae_cadence.training.open_set.table import OpenSet
from pelsvae_cadence.training.preprocess.augmentation import AugmentationOptions, copies_per_class
from pelsvae_cadence.training.preprocess.folded_light_curves import FoldedLightCurves

__all__ = ["augmentation_counts", "fold_open_set"]

# Error of an OGLE-III I measurement at an I magnitude: the survey's typical errors, continued to
# the faint end (Udalski et al. 2008, Acta Astron. 58, 69).
_I_MAGNITUDE: Final = (13.0, 15.0, 16.5, 17.5, 18.5, 19.5, 20.5, 21.5)
_I_ERROR: Final = (0.004, 0.005, 0.010, 0.020, 0.050, 0.100, 0.220, 0.450)
# Distance modulus plus I extinction of the fields; stars without a field get a magnitude instead.
_FIELD: Final = {name: DISTANCE_MODULUS[name] + a for name, a in (*A_I.items(), ("BLG", MIRA_BULGE_A_I))}
_FIELDLESS_MAGNITUDE: Final = 16.0
_BLOCK: Final = 2000


def _ogle_error(magnitude: npt.ArrayLike) -> FloatArray:
    """Give the error of an OGLE-III measurement in I."""
    log_error = np.interp(np.asarray(magnitude, np.float64), _I_MAGNITUDE, np.log(_I_ERROR))
    return np.asarray(np.exp(log_error))


def augmentation_counts(table: OpenSet, options: AugmentationOptions | None = None) -> pd.DataFrame:
    """Count the rows of each class before and after the augmentation.

    Parameters
    ----------
    table : OpenSet
        The open set.
    options : AugmentationOptions, optional
        The targets.

    Returns
    -------
    DataFrame
        Index: class. Columns: ``train``, ``validation``, ``test`` (independent stars), ``copies``
        (of training stars) and ``training_rows`` (stars and copies).
    """
    chosen = AugmentationOptions() if options is None else options
    rows = []
    for star_class in STAR_CLASSES:
        mine = table.star_class == star_class
        stars = {split: int(np.sum(mine & (table.split == split))) for split in SPLITS}
        # Every row of the open set has physical parameters, so that the first wish is met.
        _, copies = copies_per_class(stars["train"], stars["train"], star_class, chosen)
        rows.append({**stars, "copies": copies, "training_rows": stars["train"] + copies})
    return pd.DataFrame(rows, index=pd.Index(STAR_CLASSES, name="star_class"))


def fold_open_set(
    table: OpenSet, options: AugmentationOptions | None = None, *, seed: int, random_phase: bool = True
) -> tuple[FoldedLightCurves, npt.NDArray[np.str_]]:
    """Observe the open set as OGLE would, and copy its training stars as the paper does.

    Parameters
    ----------
    table : OpenSet
        The open set.
    options : AugmentationOptions, optional
        Points per light curve and rows per class.
    seed : int
        Seed; a row depends on the seed, the star's name and the number of the copy.
    random_phase : bool
        Shift the phases of each copy by a uniform number, as the paper does; False leaves the
        phase zero of the table to all rows.

    Returns
    -------
    curves : FoldedLightCurves
        One light curve of every star (copy 0, phase zero as in the table), then the copies of
        training stars: other phases, other noise, phase shifted by a uniform number.
    split : ndarray of str, shape (N,)
        The split of each row. Validation and test stars have no copies.

    Raises
    ------
    InputError
        If the table has no training star.
    """
    chosen = AugmentationOptions() if options is None else options
    stars = np.arange(len(table))
    if not (table.split == "train").any():
        raise InputError("the open set has no training star to copy")
    counts = augmentation_counts(table, chosen)
    rows, copy = [stars], [np.zeros(stars.size, dtype=np.int64)]
    for star_class, n_copies in counts["copies"].items():
        mine = np.flatnonzero((table.star_class == star_class) & (table.split == "train"))
        if mine.size and n_copies:
            # Round after round over all stars: each is copied equally often, but for the last.
            rows.append(mine[np.arange(n_copies) % mine.size])
            copy.append(1 + np.arange(n_copies) // mine.size)
    row, number = np.concatenate(rows), np.concatenate(copy)
    curve = table.curve
    parts = [
        _observe(
            table,
            curve,
            row[start : start + _BLOCK],
            number[start : start + _BLOCK],
            chosen,
            seed,
            random_phase,
        )
        for start in range(0, row.size, _BLOCK)
    ]
    return FoldedLightCurves.concatenate(parts), table.split[row]


def _observe(
    table: OpenSet,
    curve: PhaseCurve,
    row: IntArray,
    copy: IntArray,
    options: AugmentationOptions,
    seed: int,
    random_phase: bool,
) -> FoldedLightCurves:
    random = KeyedRandom(seed=seed)
    number = star_numbers(table.star[row])[:, None]
    item = copy[:, None] * options.t_len + np.arange(options.t_len)
    phase = np.sort(random.uniform("open set phase", number, item), axis=1)
    shifted = (copy > 0) & random_phase
    shift = np.where(shifted, random.uniform("open set shift", number[:, 0], copy), 0.0)
    shape = curve.take(row).evaluate(phase + shift[:, None])
    field = np.array([_FIELD.get(name, np.nan) for name in table.galaxy[row].tolist()])
    mean = np.where(np.isnan(field), _FIELDLESS_MAGNITUDE, table.abs_mag_i[row] + field)
    true = mean[:, None] + table.amplitude_i[row][:, None] * shape
    error = _ogle_error(true)
    return FoldedLightCurves(
        star=table.star[row],
        star_class=table.star_class[row],
        subtype=table.subtype[row],
        period=table.period[row],
        copy=copy,
        phase=phase.astype(np.float32),
        mag=(true + error * random.normal("open set noise", number, item)).astype(np.float32),
        mag_err=error.astype(np.float32),
    )

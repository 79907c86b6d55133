"""Samples for evaluation: real test stars, and stars drawn to match them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import FloatArray, StructOfArrays
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.reference_stars import PARAMETERS
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.labels.physical import DISTANCE_MODULUS
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["Drawn", "choose", "draw_like", "exposure_error", "nearest_in_training", "stars_of"]

# Stars without a place are tested as if they had this I magnitude, where OGLE errs by 0.02 mag.
_PLACELESS_MAG: Final = 17.5


@dataclass(frozen=True, kw_only=True)
class Drawn(StructOfArrays):
    """Stars with shapes, drawn or copied, one for each of N real stars.

    Parameters
    ----------
    curve : PhaseCurve
        Shapes of unit amplitude.
    period, teff, abs_mag_g, amplitude_i : ndarray of float64, shape (N,)
        Parameters: see `pelsvae_cadence.stars.Stars`.
    """

    curve: PhaseCurve
    period: FloatArray
    teff: FloatArray
    abs_mag_g: FloatArray
    amplitude_i: FloatArray


def choose(rows: OpenSet, star_class: str, split: str, most: int) -> OpenSet:
    """Choose stars of one class and one part of the split.

    Parameters
    ----------
    rows : OpenSet
        The table.
    star_class : str
        The class.
    split : {"train", "validation", "test"}
        The part.
    most : int
        Most stars; the same random ones every time.

    Returns
    -------
    OpenSet
        The stars, in the table's order. Of several stars with one and the same shape (Miras borrow
        theirs) only the first is taken: a shape that comes again would be known again.
    """
    mine = np.flatnonzero((rows.star_class == star_class) & (rows.split == split))
    shape = np.round(np.concatenate([rows.cos[mine], rows.sin[mine]], axis=1), 4)
    mine = mine[np.sort(np.unique(shape, axis=0, return_index=True)[1])]
    if len(mine) > most:
        mine = np.sort(np.random.default_rng(0).choice(mine, most, replace=False))
    return rows.take(mine)


def exposure_error(rows: OpenSet) -> FloatArray:
    """Give the photometric error of one OGLE-III-like I exposure of each star.

    Parameters
    ----------
    rows : OpenSet
        N stars.

    Returns
    -------
    ndarray of float64, shape (N,)
        Errors in mag: 0.007 for bright stars, 0.05 at I = 18.7, 0.1 at 19.6; for stars without a
        distance those of I = 17.5. An engineering estimate, so that faint classes are tested on
        faint-star photometry.
    """
    modulus = np.array([DISTANCE_MODULUS.get(g, np.nan) for g in rows.galaxy.tolist()])
    mag = np.where(np.isnan(modulus), _PLACELESS_MAG, rows.abs_mag_i + modulus)
    return np.asarray(np.hypot(0.007, 0.05 * 10.0 ** (0.32 * (mag - 18.7))))


def stars_of(rows: OpenSet, **changed: FloatArray) -> Stars:
    """Make stars of rows, nowhere in particular.

    Parameters
    ----------
    rows : OpenSet
        N stars.
    **changed : ndarray of float64, shape (N,)
        Parameters that replace those of the rows.

    Returns
    -------
    Stars
        The stars, numbered by their names.
    """
    zero = np.zeros(len(rows))
    values = {name: getattr(rows, name) for name in PARAMETERS} | changed
    return Stars(
        star_id=star_numbers(rows.star),
        star_class=rows.star_class,
        subtype=rows.subtype,
        epoch=zero,
        ra=zero,
        dec=zero,
        distance_modulus=zero,
        ebv=zero,
        feh=rows.feh,
        **values,
    )


def draw_like(
    model: LightCurveModel, rows: OpenSet, given: tuple[str, ...] = ("period",), *, seed: int = 0
) -> Drawn:
    """Draw one star of its subtype for each row.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        N stars of any classes.
    given : tuple of str
        Parameters that a drawn star shares with its row. A row just outside the training range is
        drawn at the border.
    seed : int
        Seed of the draws; a star's draw depends on its name and the seed alone.

    Returns
    -------
    Drawn
        The drawn stars, in the order of the rows.
    """
    parts = {name: np.empty(len(rows)) for name in PARAMETERS}
    cos = np.empty((len(rows), model.n_harmonics))
    sin = np.empty_like(cos)
    number = star_numbers(rows.star)
    pairs = np.char.add(np.char.add(rows.star_class, "/"), rows.subtype)
    for pair in np.unique(pairs).tolist():
        mine = np.flatnonzero(pairs == pair)
        star_class, _, subtype = pair.partition("/")
        limits = model.ranges(star_class, subtype)
        fixed = {name: np.clip(getattr(rows, name)[mine], *limits[name]) for name in given}
        stars = model.sample(star_class, subtype=subtype, star_id=number[mine], seed=seed, **fixed)
        curves = model.phase_curve(stars)
        cos[mine], sin[mine] = curves.cos, curves.sin
        for name, values in parts.items():
            values[mine] = getattr(stars, name)
    return Drawn(curve=PhaseCurve(cos=cos, sin=sin), **parts)


def nearest_in_training(train: OpenSet, rows: OpenSet, given: tuple[str, ...]) -> Drawn:
    """Copy for each row the training star of its subtype that is nearest in given parameters.

    What a machine that only copies would answer; a generative model must do better.

    Parameters
    ----------
    train : OpenSet
        Training stars.
    rows : OpenSet
        N stars.
    given : tuple of str
        Parameters that decide; each in units of its scatter within the subtype.

    Returns
    -------
    Drawn
        Shapes and amplitudes of the copies.
    """
    copied = np.empty(len(rows), dtype=np.int64)
    pairs = [np.char.add(np.char.add(t.star_class, "/"), t.subtype) for t in (train, rows)]
    for pair in np.unique(pairs[1]).tolist():
        mine, theirs = (np.flatnonzero(p == pair) for p in (pairs[1], pairs[0]))
        columns = []
        for name in given:
            own, other = (
                np.asarray(getattr(t, name)[i], dtype=np.float64) for t, i in ((rows, mine), (train, theirs))
            )
            if name != "abs_mag_g":
                own, other = np.log10(own), np.log10(other)
            columns.append((own[:, None] - other) / max(float(other.std()), 1e-6))
        copied[mine] = theirs[np.argmin(sum(c**2 for c in columns), axis=1)]
    # A training star may be copied more than once.
    return Drawn(
        curve=train.curve.take(copied),
        **{name: np.asarray(getattr(train, name))[copied] for name in PARAMETERS},
    )

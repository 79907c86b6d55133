"""Parameters outside the range of the training stars: refused, set to the border, or used with a warning."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.reference_stars import Population
from pelsvae_cadence.stars import Stars

__all__ = ["UNITS", "Extrapolate", "ExtrapolationWarning", "in_range", "stars_in_range"]

FloatArray = npt.NDArray[np.float64]
Extrapolate = Literal["error", "clip", "flag"]
#: Units of the physical parameters.
UNITS: Final = {"period": "d", "teff": "K", "abs_mag_g": "mag", "amplitude_i": "mag"}


class ExtrapolationWarning(UserWarning):
    """Parameters lie outside the range of the training stars and were used or clipped."""


def in_range(
    name: str,
    values: FloatArray,
    limits: tuple[float, float],
    star_class: str,
    extrapolate: Extrapolate,
    *,
    unit: str,
) -> FloatArray:
    """Refuse, clip or flag values outside the range of the training stars.

    Parameters
    ----------
    name : str
        What the values are, for the message.
    values : ndarray of float64, shape (N,)
        The values.
    limits : (float, float)
        Smallest and largest value of the training stars.
    star_class : str
        Class and subtype of the stars, for the message.
    extrapolate : {"error", "clip", "flag"}
        What to do with values outside.
    unit : str
        Unit of the values, for the message.

    Returns
    -------
    ndarray of float64, shape (N,)
        The values to use.

    Raises
    ------
    InputError
        If `extrapolate` is unknown, or values are outside and are to be refused.

    Warns
    -----
    ExtrapolationWarning
        If values are outside and are clipped or used.
    """
    if extrapolate not in ("error", "clip", "flag"):
        raise InputError(f"extrapolate = {extrapolate!r}", allowed="'error', 'clip', 'flag'")
    low, high = limits
    # A value that was drawn at the border may differ from it in the last bit.
    slack = 1e-9 * max(abs(low), abs(high))
    outside = (values < low - slack) | (values > high + slack)
    if not outside.any():
        return values
    bad = values[outside]
    worst = bad[np.argmax(np.maximum(low - bad, bad - high))]
    problem = f"{name} = {worst:.6g} {unit} is outside the range of the {star_class} training stars"
    allowed = f"{low:.6g} to {high:.6g} {unit}"
    if extrapolate == "error":
        raise InputError(
            problem,
            allowed=allowed,
            remedy="Use extrapolate='clip' for the border's value or 'flag' to extrapolate.",
        )
    done = "set to the border" if extrapolate == "clip" else "extrapolated"
    warnings.warn(
        f"{problem} ({allowed}); {outside.sum()} of {values.size} stars {done}",
        ExtrapolationWarning,
        stacklevel=4,
    )
    return np.clip(values, low, high) if extrapolate == "clip" else values


def stars_in_range(stars: Stars, population: Population, extrapolate: Extrapolate) -> Stars:
    """Refuse, clip or flag the parameters of stars, class by class.

    Parameters
    ----------
    stars : Stars
        The stars.
    population : Population
        Knows the ranges.
    extrapolate : {"error", "clip", "flag"}
        What to do with values outside.

    Returns
    -------
    Stars
        The stars with the values to use; see `in_range`.
    """
    values = {name: np.array(getattr(stars, name)) for name in UNITS}
    pairs = np.char.add(np.char.add(stars.star_class, "/"), stars.subtype)
    for pair in np.unique(pairs).tolist():
        name, _, subtype = pair.partition("/")
        mine = pairs == pair
        limits, where = population.ranges(name, subtype or None), f"{name} {subtype}".strip()
        for key, unit in UNITS.items():
            values[key][mine] = in_range(key, values[key][mine], limits[key], where, extrapolate, unit=unit)
    return replace(stars, **values)

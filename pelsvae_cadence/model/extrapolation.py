"""Parameters outside the range of the training stars: refused, set to the border, or used with a warning."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

__all__ = ["Extrapolate", "ExtrapolationWarning", "in_range"]

FloatArray = npt.NDArray[np.float64]
Extrapolate = Literal["error", "clip", "flag"]


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

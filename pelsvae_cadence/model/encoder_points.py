"""Folded points as the encoder reads them: by phase, with weights, about their mean magnitude."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError

__all__ = ["encoder_points"]

FloatArray = npt.NDArray[np.float64]


def encoder_points(
    star_id: npt.NDArray[np.int64],
    phase: npt.ArrayLike | Sequence[npt.ArrayLike],
    mag: npt.ArrayLike | Sequence[npt.ArrayLike],
    mag_err: npt.ArrayLike | Sequence[npt.ArrayLike],
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Check the folded points of stars and arrange them for the encoder.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    phase, mag, mag_err : array_like, shape (n_points,), or sequences of N of them
        Phases in cycles, magnitudes and their errors.

    Yields
    ------
    phase : ndarray of float64, shape (n_points,)
        Phases of a star in 0 to 1, ascending.
    mag : ndarray of float64, shape (n_points,)
        Magnitudes about their weighted mean.
    weight : ndarray of float64, shape (n_points,)
        Inverse variances.

    Raises
    ------
    InputError
        If a star has no point, or points are not finite or have no positive error.
    """
    given = {"phase": phase, "mag": mag, "mag_err": mag_err}
    columns = {name: _per_star(values, len(star_id)) for name, values in given.items()}
    for i, star in enumerate(star_id.tolist()):
        points = [column(f"{name} of star {star}", values[i], None) for name, values in columns.items()]
        if not len(points[0]) or len({len(v) for v in points}) != 1:
            raise InputError(
                f"star {star} has {', '.join(str(len(v)) for v in points)} phases, magnitudes and errors",
                allowed="one or more of each, as many of one as of the others",
            )
        if (points[2] <= 0).any():
            raise InputError(f"mag_err of star {star} is not positive")
        folded = points[0] - np.floor(points[0])
        # Sums depend on the order in their last bits; a fixed order makes them exact.
        order = np.lexsort((points[2], points[1], folded))
        m, weight = points[1][order], 1.0 / points[2][order] ** 2
        yield folded[order], m - np.sum(weight * m) / np.sum(weight), weight


def _per_star(values: Any, n: int) -> list[Any]:
    parts = list(values) if len(values) and np.ndim(values[0]) > 0 else [values]
    if len(parts) != n:
        raise InputError(f"points of {len(parts)} stars were given for {n} stars")
    return parts

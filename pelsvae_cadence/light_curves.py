"""Light curves: what a survey measures of many stars, as ragged arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import RaggedArrays, column, freeze
from pelsvae_cadence.core.errors import InputError

__all__ = ["LightCurves"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LightCurves(RaggedArrays):
    """Multi-band light curves of N stars (ragged struct of arrays).

    The points of star ``i`` are ``offsets[i]:offsets[i + 1]`` in every per-point array.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        The stars.
    offsets : ndarray of int64, shape (N + 1,)
        First point of each star, and the total.
    mjd : ndarray of float64, shape (n_points,)
        Mid-exposure times, MJD (TAI), in days.
    band : ndarray of str, shape (n_points,)
        Bands.
    visit_id : ndarray of int64, shape (n_points,)
        The survey's visit behind each point.
    mag_true : ndarray of float64, shape (n_points,)
        Noise-free AB magnitudes.
    mag, mag_err : ndarray of float64, shape (n_points,)
        Measured AB magnitudes and their errors; NaN where the point is not detected.
    flux, flux_err : ndarray of float64, shape (n_points,)
        Measured (forced) fluxes and their errors in nJy, for every point.
    detected : ndarray of bool, shape (n_points,)
        Measured flux above the detection threshold (five sigma).
    saturated : ndarray of bool, shape (n_points,)
        Brighter than the saturation limit of the visit.

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star_id: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    mjd: FloatArray
    band: npt.NDArray[np.str_]
    visit_id: npt.NDArray[np.int64]
    mag_true: FloatArray
    mag: FloatArray
    mag_err: FloatArray
    flux: FloatArray
    flux_err: FloatArray
    detected: npt.NDArray[np.bool_]
    saturated: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        star_id = column("star_id", np.atleast_1d(self.star_id), None, np.int64)
        offsets = column("offsets", self.offsets, star_id.size + 1, np.int64)
        if offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise InputError("offsets must start at 0 and never fall")
        n = int(offsets[-1])
        object.__setattr__(self, "star_id", star_id)
        object.__setattr__(self, "offsets", offsets)
        kinds: dict[str, Any] = {
            "band": np.str_,
            "visit_id": np.int64,
            "detected": np.bool_,
            "saturated": np.bool_,
        }
        for field in fields(self)[2:]:
            value = np.asarray(getattr(self, field.name))
            wanted = np.dtype(kinds.get(field.name, np.float64))
            if value.shape != (n,):
                raise InputError(f"{field.name} has shape {value.shape}, expected ({n},)")
            if value.dtype.kind != wanted.kind:
                raise InputError(f"{field.name} has type {value.dtype}, expected {wanted}")
            object.__setattr__(self, field.name, freeze(value.view()))

    @property
    def n_points(self) -> int:
        """Number of points of all stars together."""
        return int(self.offsets[-1])

    def star(self, i: int) -> LightCurves:
        """Take the light curve of one star.

        Parameters
        ----------
        i : int
            Index of the star, 0 to N - 1.

        Returns
        -------
        LightCurves
            A light curve of one star.
        """
        return self.take(i)

    def keep(self, points: npt.NDArray[np.bool_]) -> Self:
        """Select points.

        Parameters
        ----------
        points : ndarray of bool, shape (n_points,)
            Which points of all stars to keep.

        Returns
        -------
        LightCurves
            The same stars, some of them perhaps without points.
        """
        before = np.concatenate([[0], np.cumsum(points)])
        chosen: dict[str, Any] = {name: getattr(self, name)[points] for name in self._columns()[1]}
        return replace(self, offsets=before[self.offsets], **chosen)

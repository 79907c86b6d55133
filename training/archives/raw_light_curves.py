"""Raw light curves of real stars: what the files hold, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import FloatArray, RaggedArrays, StrArray, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.parallel.checkpoints import fingerprint

__all__ = ["LightCurveSource", "RawLightCurves"]

_STAR_COLUMNS: Final = ("star", "star_class", "subtype", "period", "band", "fault")
_POINT_COLUMNS: Final = ("time", "mag", "mag_err")


@dataclass(frozen=True, kw_only=True)
class RawLightCurves(RaggedArrays):
    """Single-band light curves of N stars as found in files (ragged struct of arrays).

    The points of star ``i`` are ``offsets[i]:offsets[i + 1]`` in every per-point array.

    Parameters
    ----------
    star : ndarray of str, shape (N,)
        Name of the star behind each light curve.
    star_class : ndarray of str, shape (N,)
        Class, one of `pelsvae_cadence.classes.STAR_CLASSES` where the name is known, otherwise
        as found.
    subtype : ndarray of str, shape (N,)
        Subtype as the catalogue spells it; ``""`` if unknown.
    period : ndarray of float64, shape (N,)
        Period in days; NaN if unknown.
    band : ndarray of str, shape (N,)
        Band of the light curve.
    fault : ndarray of str, shape (N,)
        Why the file could not be read; ``""`` if it was.
    offsets : ndarray of int64, shape (N + 1,)
        First point of each star, and the total.
    time : ndarray of float64, shape (n_points,)
        Times in days; any zero point.
    mag, mag_err : ndarray of float64, shape (n_points,)
        Magnitudes and their quoted errors.

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star: StrArray
    star_class: StrArray
    subtype: StrArray
    period: FloatArray
    band: StrArray
    fault: StrArray
    offsets: npt.NDArray[np.int64]
    time: FloatArray
    mag: FloatArray
    mag_err: FloatArray

    def __post_init__(self) -> None:
        n = np.asarray(self.star).size
        offsets = np.asarray(self.offsets, dtype=np.int64)
        if offsets.shape != (n + 1,) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
            raise InputError(f"offsets must have shape ({n + 1},), start at 0 and never fall")
        object.__setattr__(self, "offsets", freeze(offsets.view()))
        sizes = dict.fromkeys(_STAR_COLUMNS, n) | dict.fromkeys(_POINT_COLUMNS, int(offsets[-1]))
        for name, size in sizes.items():
            kind = np.str_ if name in _STAR_COLUMNS and name != "period" else np.float64
            value = np.asarray(getattr(self, name)).astype(kind, copy=False)
            if value.shape != (size,):
                raise InputError(f"{name} has shape {value.shape}, expected ({size},)")
            object.__setattr__(self, name, freeze(value.view()))

    @property
    def n_points(self) -> npt.NDArray[np.int64]:
        """Number of points of each star, shape (N,)."""
        return np.diff(self.offsets)

    def read(self, start: int, stop: int) -> Self:
        """Take a run of stars (see `LightCurveSource`).

        Parameters
        ----------
        start, stop : int
            First star, and the one after the last.

        Returns
        -------
        RawLightCurves
            The light curves of the run.
        """
        return self.take(np.arange(start, min(stop, len(self))))

    def fingerprint(self) -> str:
        """Digest the content.

        Returns
        -------
        str
            Hash of all arrays.
        """
        return fingerprint(self)


class LightCurveSource(Protocol):
    """Where light curves come from, in runs, so that an archive need not fit into memory."""

    def __len__(self) -> int:
        """Count the light curves."""

    def read(self, start: int, stop: int) -> RawLightCurves:
        """Read some of the light curves.

        Parameters
        ----------
        start, stop : int
            The first, and the one after the last.

        Returns
        -------
        RawLightCurves
            The light curves ``start`` to ``stop - 1``.
        """

    def fingerprint(self) -> str:
        """Digest what would be read (all arrays, or names and sizes of the files and the table of stars).

        Returns
        -------
        str
            Hexadecimal BLAKE2b digest: a resumed run can tell that it changed.
        """

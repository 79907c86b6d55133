"""Folded light curves of one length: what the networks of the paper are trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.arrays import StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError

__all__ = ["FoldedLightCurves", "doubled", "read_folded", "write_folded"]

_STAR_COLUMNS: Final = ("star", "star_class", "subtype", "period", "copy")
_POINT_COLUMNS: Final = ("phase", "mag", "mag_err")


@dataclass(frozen=True, kw_only=True)
class FoldedLightCurves(StructOfArrays):
    """Folded light curves of N rows with t_len points each; several rows may be of one star.

    Parameters
    ----------
    star, star_class, subtype : ndarray of str, shape (N,)
        Name, class and subtype of the star behind each row.
    period : ndarray of float64, shape (N,)
        Period in days.
    copy : ndarray of int64, shape (N,)
        0 for the star's own light curve, otherwise the number of the augmented copy.
    phase : ndarray of float32, shape (N, t_len)
        Phases in [0, 1], ascending; phase zero is arbitrary (time modulo period), as published.
    mag, mag_err : ndarray of float32, shape (N, t_len)
        Magnitudes and errors.

    Raises
    ------
    InputError
        If the shapes do not fit together.
    """

    star: npt.NDArray[np.str_]
    star_class: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.str_]
    period: npt.NDArray[np.float64]
    copy: npt.NDArray[np.int64]
    phase: npt.NDArray[np.float32]
    mag: npt.NDArray[np.float32]
    mag_err: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        n = np.asarray(self.star).size
        shape = np.asarray(self.phase).shape
        if len(shape) != 2 or shape[0] != n:
            raise InputError(f"phase has shape {shape}, expected ({n}, t_len)")
        kinds: dict[str, Any] = {"period": np.float64, "copy": np.int64}
        for name in _STAR_COLUMNS:
            value = np.asarray(getattr(self, name)).astype(kinds.get(name, np.str_), copy=False)
            if value.shape != (n,):
                raise InputError(f"{name} has shape {value.shape}, expected ({n},)")
            object.__setattr__(self, name, freeze(value.view()))
        for name in _POINT_COLUMNS:
            value = np.asarray(getattr(self, name)).astype(np.float32, copy=False)
            if value.shape != shape:
                raise InputError(f"{name} has shape {value.shape}, expected {shape}")
            object.__setattr__(self, name, freeze(value.view()))

    @property
    def t_len(self) -> int:
        """Number of points of each row."""
        return int(self.phase.shape[1])


def doubled(folded: FoldedLightCurves) -> npt.NDArray[np.float32]:
    """Lay out the rows over two periods, as the published networks read them.

    Parameters
    ----------
    folded : FoldedLightCurves
        The light curves.

    Returns
    -------
    ndarray of float32, shape (N, 2 * t_len, 3)
        Phase in [0, 2), magnitude and error, by ascending phase (published notebook
        ``preprocess_OGLE3``, "Sort LCs by phase value and repeat phase").
    """
    one = np.stack([folded.phase, folded.mag, folded.mag_err], axis=-1)
    two = one + np.array([1.0, 0.0, 0.0], dtype=np.float32)
    return np.concatenate([one, two], axis=1)


def write_folded(
    folded: FoldedLightCurves,
    path: Path | str,
    columns: Mapping[str, npt.ArrayLike] | pd.DataFrame | None = None,
) -> None:
    """Write folded light curves to npz, and their stars to parquet beside it.

    Parameters
    ----------
    folded : FoldedLightCurves
        The light curves.
    path : path
        The npz file; the table is written as ``<name>_stars.parquet``.
    columns : mapping of str to array_like, optional
        Further columns of the table.
    """
    file = Path(path)
    np.savez(file, **{name: getattr(folded, name) for name in _POINT_COLUMNS})
    table = pd.DataFrame({name: getattr(folded, name) for name in _STAR_COLUMNS})
    for name, values in ({} if columns is None else columns).items():
        table[name] = np.asarray(values)
    table.to_parquet(_table_of(file), index=False)


def read_folded(path: Path | str) -> tuple[FoldedLightCurves, pd.DataFrame]:
    """Read what `write_folded` wrote."""
    file = Path(path)
    for needed in (file, _table_of(file)):
        if not needed.is_file():
            raise InputError(f"{needed} does not exist")
    table = pd.read_parquet(_table_of(file))
    with np.load(file, allow_pickle=False) as stored:
        points = {name: stored[name] for name in _POINT_COLUMNS}
    stars = {name: table[name].to_numpy() for name in _STAR_COLUMNS}
    return FoldedLightCurves(**stars, **points), table


def _table_of(file: Path) -> Path:
    return file.with_name(f"{file.stem}_stars.parquet")

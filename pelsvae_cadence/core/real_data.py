"""The folder of real survey data: where it is, and how its sets of light curves are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["data_folder", "find_data_folder", "read_light_curve_set"]

_BESIDE_CHECKOUT = Path(__file__).resolve().parents[3] / "shared" / "data"


def find_data_folder() -> Path | None:
    """Look for the folder of real survey data.

    Returns
    -------
    Path or None
        The folder named by the environment variable PELSVAE_DATA; without it ``shared/data`` beside
        the checkout. None if it is not there.
    """
    folder = Path(os.environ.get("PELSVAE_DATA") or _BESIDE_CHECKOUT)
    return folder if (folder / "lightcurves").is_dir() else None


def data_folder(named: Path | None = None) -> Path:
    """Give the folder of real survey data.

    Parameters
    ----------
    named : Path, optional
        The folder; that of `find_data_folder` by default.

    Returns
    -------
    Path
        The folder, which holds ``lightcurves``.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = find_data_folder() if named is None else named
    if folder is None or not (folder / "lightcurves").is_dir():
        where = folder or os.environ.get("PELSVAE_DATA") or _BESIDE_CHECKOUT
        raise InputError(
            f"no real light curves under {where}",
            remedy="Give the folder that holds lightcurves/ and cadence/ (PELSVAE_DATA, or --data).",
        )
    return folder


def read_light_curve_set(folder: Path, name: str) -> tuple[dict[str, npt.NDArray[Any]], pd.DataFrame]:
    """Read one set of real light curves.

    Parameters
    ----------
    folder : Path
        The folder ``lightcurves``.
    name : str
        Name of the set.

    Returns
    -------
    points : dict of ndarray
        ``t``, ``mag``, ``err`` and, where there are several, ``band``, one value a point; the points
        of row i are ``offsets[i]`` to ``offsets[i + 1]``.
    stars : DataFrame
        The table of stars.

    Raises
    ------
    InputError
        If a file is missing, or pyarrow, which reads the table.
    """
    import pandas as pd

    points, stars = folder / f"{name}.npz", folder / f"{name}_stars.parquet"
    for file in (points, stars):
        if not file.is_file():
            raise InputError(
                f"{file.name} is not in {folder}",
                remedy="Give the folder that holds lightcurves/ and cadence/ (PELSVAE_DATA).",
            )
    with np.load(points, allow_pickle=False) as archive:
        arrays = dict(archive)
    try:
        return arrays, pd.read_parquet(stars)
    except ImportError as error:
        raise InputError(
            f"{stars.name} is a Parquet table and pyarrow is not installed", remedy="pip install pyarrow"
        ) from error

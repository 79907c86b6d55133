"""Readers of raw light curves: plain tables, ragged sets, and whatever path the user gives.

Nothing is judged here: points may be NaN, unsorted or few. Readers hand over what the files hold;
a file that cannot be read becomes a star without points that carries its fault, so that
`pelsvae_cadence.training.preprocess.cleaning` can reject it with a reason and count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.ogle_archive import OgleArchive
from pelsvae_cadence.training.archives.raw_light_curves import LightCurveSource, RawLightCurves
from pelsvae_cadence.training.archives.star_table import ALIASES, find_column, read_frame, read_star_table

__all__ = ["open_light_curves", "read_ragged", "write_ragged"]

_POINT_COLUMNS: Final = ("time", "mag", "mag_err")
_BANDS: Final = ("u", "g", "r", "i", "z")


def open_light_curves(
    path: Path | str, stars: Path | str | None = None, *, band: str | None = None
) -> LightCurveSource:
    """Open light curves of any kind that can be read.

    Parameters
    ----------
    path : path
        A folder of the OGLE archive, a ragged set (``.npz``), or a plain table (``.csv``,
        ``.csv.gz``, ``.parquet``).
    stars : path, optional
        Table with the class, subtype and period of the stars.
    band : str, optional
        The band to take (OGLE: I by default).

    Returns
    -------
    LightCurveSource
        The light curves, ready for `pelsvae_cadence.training.preprocess.run.preprocess`.

    Raises
    ------
    InputError
        If there is nothing at the path, or it is a pickle.
    """
    found = Path(path)
    if found.is_dir():
        return OgleArchive.open(found, stars, band=band or "I")
    if found.name.endswith((".npy", ".npy.gz", ".pkl", ".pickle")):
        raise InputError(
            f"{found.name} is a pickle, and not read as raw light curves",
            remedy="Convert the published training file with --trust-pickle.",
        )
    if found.suffix == ".npz":
        return read_ragged(found, stars, band=band)
    return _read_light_curve_table(found, stars, band=band or "")


def _read_light_curve_table(
    path: Path | str, stars: Path | str | pd.DataFrame | None = None, *, band: str = ""
) -> RawLightCurves:
    """Read a plain table of light curves, one row per point."""
    frame = read_frame(Path(path))
    names = {name: find_column(frame, name) for name in ("star", *_POINT_COLUMNS)}
    missing = [name for name, found in names.items() if found is None]
    if missing:
        raise InputError(
            f"{Path(path).name} has no column for {missing[0]}", allowed=", ".join(ALIASES[missing[0]])
        )
    band_column = find_column(frame, "band")
    if band_column is not None:
        frame, band = _one_band(frame, frame[band_column].fillna("").astype(str), band)
    code, star = pd.factorize(frame[names["star"]].astype(str), sort=False)
    order = np.argsort(code, kind="stable")
    first = order[np.searchsorted(code[order], np.arange(star.size))]
    own = read_star_table(frame.iloc[first])
    if stars is not None:
        given = read_star_table(stars).drop_duplicates("star").set_index("star")
        own = given.reindex(np.asarray(star)).reset_index()
        own["star_class"] = own["star_class"].fillna("")
        own["subtype"] = own["subtype"].fillna("")
    points = {
        name: pd.to_numeric(frame[names[name]], errors="coerce").to_numpy(np.float64)[order]
        for name in _POINT_COLUMNS
    }
    lengths = np.bincount(code, minlength=star.size)
    return RawLightCurves(
        star=np.asarray(star, dtype=np.str_),
        star_class=own["star_class"].to_numpy(np.str_),
        subtype=own["subtype"].to_numpy(np.str_),
        period=own["period"].to_numpy(np.float64),
        band=np.full(star.size, band),
        fault=np.full(star.size, ""),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        time=points["time"],
        mag=points["mag"],
        mag_err=points["mag_err"],
    )


def read_ragged(
    path: Path | str, stars: Path | str | None = None, *, band: str | None = None
) -> RawLightCurves:
    """Read a ragged set: ``<set>.npz`` with the points, ``<set>_stars.parquet`` with the stars.

    Parameters
    ----------
    path : path
        The npz file: ``t``, ``mag``, ``err``, ``offsets``, ``time_zero``, optionally ``band``
        (uint8 codes of u, g, r, i, z); no pickles.
    stars : path, optional
        The table of stars. Default: beside the npz file, with ``_stars.parquet``.
    band : str, optional
        Band to take, required where the set has band codes; otherwise it replaces the band column
        of the table of stars.

    Returns
    -------
    RawLightCurves
        Julian Dates minus the set's own zero, as stored.

    Raises
    ------
    InputError
        If arrays are missing or do not fit, or the band must be named.
    """
    file = Path(path)
    table = read_star_table(file.with_name(f"{file.stem}_stars.parquet") if stars is None else stars)
    if not file.is_file():
        raise InputError(f"{file} does not exist")
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    missing = [name for name in ("t", "mag", "err", "offsets") if name not in arrays]
    if missing:
        raise InputError(f"{file.name} has no array {missing[0]!r}", allowed="t, mag, err, offsets")
    offsets = arrays["offsets"].astype(np.int64)
    if offsets.size != len(table) + 1:
        raise InputError(f"{file.name} holds {offsets.size - 1} stars, its table {len(table)}")
    points = {
        name: arrays[key].astype(np.float64)
        for name, key in zip(_POINT_COLUMNS, ("t", "mag", "err"), strict=True)
    }
    if "band" in arrays:
        if band is None or band not in _BANDS:
            raise InputError(
                f"{file.name} has several bands, and {band!r} is not one of them", allowed=", ".join(_BANDS)
            )
        wanted = arrays["band"] == _BANDS.index(band)
        owner = np.repeat(np.arange(len(table)), np.diff(offsets))[wanted]
        points = {name: value[wanted] for name, value in points.items()}
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(table)))])
    return RawLightCurves(
        star=table["star"].to_numpy(np.str_),
        star_class=table["star_class"].to_numpy(np.str_),
        subtype=table["subtype"].to_numpy(np.str_),
        period=table["period"].to_numpy(np.float64),
        band=table["band"].to_numpy(np.str_) if band is None else np.full(len(table), band),
        fault=np.full(len(table), ""),
        offsets=offsets,
        time=points["time"],
        mag=points["mag"],
        mag_err=points["mag_err"],
    )


def write_ragged(
    curves: RawLightCurves, path: Path | str, columns: Mapping[str, npt.ArrayLike] | None = None
) -> None:
    """Write a ragged set that `read_ragged` reads.

    Parameters
    ----------
    curves : RawLightCurves
        The light curves.
    path : path
        The npz file; the table of stars is written beside it as ``<name>_stars.parquet``.
    columns : mapping of str to array_like, optional
        Further columns of the table of stars.
    """
    file = Path(path)
    np.savez_compressed(
        file,
        t=curves.time,
        mag=curves.mag.astype(np.float32),
        err=curves.mag_err.astype(np.float32),
        offsets=curves.offsets,
    )
    table = pd.DataFrame(
        {
            "row": np.arange(len(curves)),
            "id": curves.star,
            "cls": curves.star_class,
            "subtype": curves.subtype,
            "band": curves.band,
            "period": curves.period,
            "n_points": curves.n_points,
            **dict(columns or {}),
        }
    )
    table.to_parquet(file.with_name(f"{file.stem}_stars.parquet"), index=False)


def _one_band(frame: pd.DataFrame, found: pd.Series[str], band: str) -> tuple[pd.DataFrame, str]:
    bands = sorted(found.unique())
    if band == "" and len(bands) == 1:
        return frame, bands[0]
    if band not in bands:
        raise InputError(f"band {band!r} is not in the table", allowed=", ".join(bands))
    return frame[(found == band).to_numpy()].reset_index(drop=True), band

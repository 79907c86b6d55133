"""Raw light curves of real stars, and the files they come in.

Nothing is judged here: points may be NaN, unsorted or few. Readers hand over what the files hold;
a file that cannot be read becomes a star without points that carries its fault, so that
`pelsvae_cadence.training.preprocessing` can reject it with a reason and count it.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.classes import parse_star_class
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.training.raw_light_curves import RawLightCurves

__all__ = [
    "OgleArchive",
    "read_light_curve_table",
    "read_ragged",
    "read_star_table",
    "write_ragged",
]


_POINT_COLUMNS: Final = ("time", "mag", "mag_err")

#: Column names found in the catalogues and tables of the field, in order of preference.
_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "star": ("star", "OGLE-ID", "OGLE_id", "id", "ID", "star_id", "object_id", "name"),
    "star_class": ("star_class", "Type", "cls", "class", "type"),
    "subtype": ("subtype", "subType", "Subtype", "mode"),
    "period": ("period", "Period", "P_1", "P"),
    "band": ("band", "filter"),
    "time": ("time", "t", "mjd", "hjd", "jd", "bjd", "date"),
    "mag": ("mag", "magnitude", "mag_I"),
    "mag_err": ("mag_err", "err", "magerr", "error", "mag_err_I"),
}

# OGLE-LMC-CEP-0002: the class stands in the name.
_OGLE_NAME = re.compile(r"^OGLE-[A-Z]+-(?P<cls>[A-Z0-9]+)-\d+[A-Za-z]?$")


def read_star_table(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Read a table of stars under the package's column names.

    Parameters
    ----------
    source : path or DataFrame
        A table in csv (also compressed) or parquet, one row per star. Known spellings of the
        columns are the package's own, those of the OGLE tables of the paper (``OGLE_id``,
        ``Type``, ``subType``, ``Period``) and those of the ragged sets (``id``, ``cls``, ``mode``).

    Returns
    -------
    DataFrame
        Columns ``star``, ``star_class``, ``subtype``, ``period`` [d; NaN if unknown], ``band``
        (``""`` if unknown), then all other columns as found. Classes are resolved by
        `pelsvae_cadence.classes.parse_star_class`; unknown ones stay as found.

    Raises
    ------
    InputError
        If no column names the star.
    """
    frame = source.copy() if isinstance(source, pd.DataFrame) else _read_frame(Path(source))
    star = _column(frame, "star")
    if star is None:
        raise InputError(
            f"no column names the star; found {', '.join(map(str, frame.columns))}",
            allowed=", ".join(_ALIASES["star"]),
        )
    table = pd.DataFrame({"star": frame[star].astype(str).to_numpy()})
    used = [star]
    for name in ("star_class", "subtype", "band"):
        found = _column(frame, name)
        table[name] = "" if found is None else frame[found].fillna("").astype(str).to_numpy()
        used += [] if found is None else [found]
    classes = {name: _resolve_class(name) for name in table["star_class"].unique()}
    from_name = table["star"].map(_class_in_name)
    table["star_class"] = (
        table["star_class"].map(classes).where(table["star_class"] != "", from_name)
    )
    found = _column(frame, "period")
    if found is not None:
        used.append(found)
    period = np.nan if found is None else pd.to_numeric(frame[found], errors="coerce")
    table["period"] = np.broadcast_to(np.asarray(period, dtype=np.float64), len(table))
    rest = frame.drop(columns=used).reset_index(drop=True)
    return pd.concat([table, rest[[c for c in rest if c not in table]]], axis=1)


@dataclass(frozen=True, kw_only=True)
class OgleArchive:
    """A folder of OGLE light-curve files, ``<star>.dat`` with time, magnitude and error.

    Parameters
    ----------
    files : tuple of Path
        The light-curve files, sorted by name of the star.
    stars : DataFrame
        The table of stars (see `read_star_table`), indexed by name.
    band : str
        Band of the light curves.
    other_files : tuple of Path
        ``.dat`` files that are not light curves (the catalogue's own tables).
    without_file : tuple of str
        Stars of the table for which there is no file.
    """

    files: tuple[Path, ...]
    stars: pd.DataFrame
    band: str
    other_files: tuple[Path, ...]
    without_file: tuple[str, ...]

    @classmethod
    def open(
        cls, folder: Path | str, stars: Path | str | pd.DataFrame | None = None, *, band: str = "I"
    ) -> Self:
        """List the light curves of a folder.

        Parameters
        ----------
        folder : path
            A folder of the OGLE archive, of any depth. Where files lie in folders named by band
            (``.../phot/I``), only those of `band` are taken.
        stars : path or DataFrame, optional
            Table with the subtype and period of the stars; the class is in their names.
        band : str
            Band to read.

        Returns
        -------
        OgleArchive
            The archive; nothing but file names has been read.

        Raises
        ------
        InputError
            If the folder holds no light curve.
        """
        root = Path(folder)
        if not root.is_dir():
            raise InputError(f"{root} is not a folder")
        found = sorted(root.rglob("*.dat"), key=lambda path: (path.stem, str(path)))
        in_bands = {path.parent.name for path in found if path.parent.name in ("I", "V")}
        curves = [path for path in found if _OGLE_NAME.match(path.stem)]
        if in_bands:
            curves = [path for path in curves if path.parent.name == band]
        if not curves:
            raise InputError(
                f"{root} holds no {band}-band light curves named like OGLE-LMC-CEP-0002.dat",
                remedy="Unpack the archive of a class there, with its phot/I folder.",
            )
        table = read_star_table(pd.DataFrame({"star": []}) if stars is None else stars)
        table = table.drop_duplicates("star").set_index("star")
        names = {path.stem for path in curves}
        return cls(
            files=tuple(curves),
            stars=table,
            band=band,
            other_files=tuple(path for path in found if not _OGLE_NAME.match(path.stem)),
            without_file=tuple(name for name in table.index if name not in names),
        )

    def __len__(self) -> int:
        return len(self.files)

    def read(self, start: int, stop: int) -> RawLightCurves:
        """Read a run of files.

        Parameters
        ----------
        start, stop : int
            First file, and the one after the last.

        Returns
        -------
        RawLightCurves
            One light curve per file; a file that cannot be read gives its fault and no points.
        """
        files = self.files[start:stop]
        before = self.files[start - 1].stem if start else ""
        columns: dict[str, list[Any]] = {
            name: [] for name in ("star", "star_class", "subtype", "period", "band", "fault")
        }
        points = [np.empty((0, 3))]
        for path in files:
            table, fault = _read_dat(path)
            if path.stem == before:
                table, fault = np.empty((0, 3)), "second file of the same star"
            before = path.stem
            known = path.stem in self.stars.index
            row = self.stars.loc[path.stem] if known else {}
            columns["star"].append(path.stem)
            columns["star_class"].append(_class_in_name(path.stem))
            columns["subtype"].append(row["subtype"] if known else "")
            columns["period"].append(row["period"] if known else np.nan)
            columns["band"].append(self.band)
            columns["fault"].append(fault)
            points.append(table)
        lengths = [len(table) for table in points]
        all_points = np.concatenate(points)
        return RawLightCurves(
            offsets=np.cumsum(lengths),
            time=all_points[:, 0],
            mag=all_points[:, 1],
            mag_err=all_points[:, 2],
            **{name: np.array(value) for name, value in columns.items()},
        )

    def fingerprint(self) -> str:
        """Digest names and sizes of the files and the table of stars.

        Returns
        -------
        str
            Hexadecimal BLAKE2b digest.
        """
        digest = hashlib.blake2b(self.band.encode(), digest_size=16)
        for path in self.files:
            digest.update(f"{path.stem}|{path.stat().st_size}\n".encode())
        digest.update(self.stars[["subtype", "period"]].to_csv().encode())
        return digest.hexdigest()


def read_light_curve_table(
    path: Path | str, stars: Path | str | pd.DataFrame | None = None, *, band: str = ""
) -> RawLightCurves:
    """Read a plain table of light curves, one row per point.

    Parameters
    ----------
    path : path
        A csv (also compressed) or parquet table with columns for star, time, magnitude, error,
        and optionally band, class, subtype and period.
    stars : path or DataFrame, optional
        Table of the stars, if their class and period are not in the first one.
    band : str
        Band to take where the table has a band column; otherwise the band it is in.

    Returns
    -------
    RawLightCurves
        The light curves, in the order in which the stars first occur; points in file order.

    Raises
    ------
    InputError
        If a column is missing, or several bands are there and none is named.
    """
    frame = _read_frame(Path(path))
    names = {name: _column(frame, name) for name in ("star", *_POINT_COLUMNS)}
    missing = [name for name, found in names.items() if found is None]
    if missing:
        raise InputError(
            f"{Path(path).name} has no column for {missing[0]}",
            allowed=", ".join(_ALIASES[missing[0]]),
        )
    band_column = _column(frame, "band")
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
    path: Path | str,
    stars: Path | str | None = None,
    *,
    band: str | None = None,
    bands: Sequence[str] = ("u", "g", "r", "i", "z"),
) -> RawLightCurves:
    """Read a ragged set: ``<set>.npz`` with the points, ``<set>_stars.parquet`` with the stars.

    Parameters
    ----------
    path : path
        The npz file: ``t``, ``mag``, ``err``, ``offsets``, ``time_zero``, optionally ``band``
        (uint8 codes); no pickles.
    stars : path, optional
        The table of stars. Default: beside the npz file, with ``_stars.parquet``.
    band : str, optional
        Band to take, required where the set has band codes; otherwise it replaces the band column
        of the table of stars.
    bands : sequence of str
        Meaning of the band codes.

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
    table = read_star_table(
        file.with_name(f"{file.stem}_stars.parquet") if stars is None else stars
    )
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
        if band is None or band not in bands:
            raise InputError(
                f"{file.name} has several bands, and {band!r} is not one of them",
                allowed=", ".join(bands),
            )
        wanted = arrays["band"] == list(bands).index(band)
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


def _read_frame(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path} does not exist")
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if ".csv" in path.suffixes:
        # Names of stars may look like numbers; the aliases of numeric columns are parsed later.
        return pd.read_csv(path, dtype=dict.fromkeys(_ALIASES["star"], str), low_memory=False)
    raise InputError(f"{path.name} is neither csv nor parquet", allowed=".csv, .csv.gz, .parquet")


def _read_dat(path: Path) -> tuple[npt.NDArray[np.float64], str]:
    """Read one OGLE file; a fault instead of an error, because an archive has 10^5 of them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is reported by its length
            table = np.loadtxt(path, usecols=(0, 1, 2), ndmin=2, dtype=np.float64)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        return np.empty((0, 3)), f"unreadable file ({type(error).__name__})"
    return (table, "") if len(table) else (np.empty((0, 3)), "empty file")


def _column(frame: pd.DataFrame, name: str) -> str | None:
    return next((alias for alias in _ALIASES[name] if alias in frame.columns), None)


def _one_band(frame: pd.DataFrame, found: pd.Series[str], band: str) -> tuple[pd.DataFrame, str]:
    bands = sorted(found.unique())
    if band == "" and len(bands) == 1:
        return frame, bands[0]
    if band not in bands:
        raise InputError(f"band {band!r} is not in the table", allowed=", ".join(bands))
    return frame[(found == band).to_numpy()].reset_index(drop=True), band


def _resolve_class(name: str) -> str:
    try:
        return parse_star_class(name)[0]
    except InputError:
        return name


def _class_in_name(star: str) -> str:
    match = _OGLE_NAME.match(star)
    return _resolve_class(match["cls"]) if match else ""

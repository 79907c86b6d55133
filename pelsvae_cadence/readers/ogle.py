"""Read OGLE photometry: files of Julian Date, magnitude and error, named after the star."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import ColumnReport, numbers
from pelsvae_cadence.core.tables.files import open_table
from pelsvae_cadence.core.tables.points import collect_points, to_ab
from pelsvae_cadence.core.time_systems import TimeSystem, parse_time_system
from pelsvae_cadence.light_curves import MeasuredLightCurves

__all__ = ["is_ogle_name", "read_ogle"]

FloatArray = npt.NDArray[np.float64]

_STAR: Final = re.compile(r"^(?P<star>OGLE[-_].+?)(?:[_-](?P<band>[IV]))?$", re.IGNORECASE)
_BAND: Final = re.compile(r"[_.-](?P<band>[IV])$")
_COLUMNS: Final = ("column 1", "column 2", "column 3")
_FOLDERS: Final = ("I", "V")
#: Values of a Julian Date: full, or less 2450000.
_FULL: Final = (2440000.0, 2480000.0)
_SHORT: Final = (0.0, 30000.0)
# What OGLE can measure; 99.999 stands for nothing.
_MAGNITUDES: Final = (5.0, 26.0)


def is_ogle_name(path: Path) -> bool:
    """Tell whether a file or folder is named as OGLE's are.

    Parameters
    ----------
    path : Path
        The file or folder.

    Returns
    -------
    bool
        True for ``OGLE-*.dat`` and folders of such files.
    """
    if path.is_dir():
        return any(_files(path))
    return path.suffix.lower() == ".dat" and _STAR.match(path.stem) is not None


def read_ogle(
    source: str | Path, *, band: str | None = None, star_id: str | None = None, time_system: str | None = None
) -> MeasuredLightCurves:
    """Read OGLE photometry of one star or many.

    Magnitudes are on the Vega scale (Johnson V, Cousins I) and are taken to AB. Times are heliocentric.

    Parameters
    ----------
    source : str or Path
        A file such as ``phot/I/OGLE-LMC-CEP-0001.dat``, with Julian Date, magnitude and error in every
        line, or a folder of such files; of a folder with subfolders ``I`` and ``V`` both are read.
    band : str, optional
        The band, where neither folder nor file name tells.
    star_id : str, optional
        Name of the star of a file whose name is not OGLE's.
    time_system : str, optional
        What the times are; by default HJD (UTC), whole or less 2450000, as the values tell.

    Returns
    -------
    MeasuredLightCurves
        One light curve per star, with both bands where there are both.

    Raises
    ------
    InputError
        If star or band cannot be told, or a file holds something else.
    """
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path} does not exist")
    files = list(_files(path)) if path.is_dir() else [path]
    if not files:
        raise InputError(
            f"the folder {path} holds no .dat files", allowed="files, or folders I and V of them"
        )
    parts: list[tuple[str, str, FloatArray, FloatArray, FloatArray]] = []
    systems: set[TimeSystem] = set()
    unreadable: dict[str, int] = {}
    n_rows = 0
    for file in files:
        star, filtered = _star(file, star_id), _band(file, band)
        time, mag, error, system, omitted, rows = _read(file, time_system)
        parts.append((star, filtered, time, mag, error))
        systems.add(system)
        n_rows += rows
        for reason, count in omitted.items():
            unreadable[reason] = unreadable.get(reason, 0) + count
    bands = np.concatenate([np.full(p[2].size, p[1]) for p in parts])
    report = ColumnReport(
        source=path.name,
        reader="OGLE",
        columns={
            "time": "1st",
            "mag": "2nd",
            "mag_err": "3rd",
            "band, star_id": "names of files and folders",
        },
        n_rows=n_rows,
        omitted=unreadable,
        notes=("Vega magnitudes taken to AB",) + ((f"{len(files)} files",) if len(files) > 1 else ()),
    )
    mag = np.concatenate([p[3] for p in parts])
    with np.errstate(invalid="ignore"):
        outside = (mag < _MAGNITUDES[0]) | (mag > _MAGNITUDES[1])
    points = collect_points(
        report=report,
        left_out={f"outside {_MAGNITUDES[0]:g} to {_MAGNITUDES[1]:g} mag": outside},
        time=np.concatenate([p[2] for p in parts]),
        time_system=next(iter(systems)),
        star=np.concatenate([np.full(p[2].size, p[0]) for p in parts]),
        band=bands,
        mag=to_ab(mag, bands, "Vega"),
        mag_err=np.concatenate([p[4] for p in parts]),
    )
    return MeasuredLightCurves.from_points(points)


def _files(folder: Path) -> list[Path]:
    subfolders = [folder / name for name in _FOLDERS if (folder / name).is_dir()]
    return [
        file for place in subfolders or [folder] for file in sorted(place.glob("*.dat")) if file.is_file()
    ]


def _star(file: Path, given: str | None) -> str:
    if given is not None:
        return given
    found = _STAR.match(file.stem)
    if found is None:
        raise InputError(f"the name of {file.name} is not that of an OGLE star", remedy='Say star_id="...".')
    return found["star"]


def _band(file: Path, given: str | None) -> str:
    if given is not None:
        return given
    named = _BAND.search(file.stem)
    folder = file.resolve().parent.name
    if named is not None:
        return named["band"]
    if folder in _FOLDERS:
        return folder
    raise InputError(
        f"neither the name of {file.name} nor its folder {folder!r} tells the band",
        allowed=", ".join(_FOLDERS),
        remedy='Say band="I".',
    )


def _read(
    file: Path, time_system: str | None
) -> tuple[FloatArray, FloatArray, FloatArray, TimeSystem, dict[str, int], int]:
    table = open_table(file)
    read = table.read(table.names[:3] if len(table.names) >= 3 else _COLUMNS)
    time, mag, error = (numbers(f"{table.label}, {name}", column) for name, column in read.columns.items())
    system = _system(table.label, time) if time_system is None else parse_time_system(time_system)
    return system.to_mjd_tai(time), mag, error, system, dict(read.unreadable), read.n_rows


def _system(label: str, time: FloatArray) -> TimeSystem:
    finite = time[np.isfinite(time)]
    middle = float(np.median(finite)) if finite.size else np.nan
    if _FULL[0] < middle < _FULL[1]:
        zero, allowed = "HJD UTC", _FULL
    elif _SHORT[0] < middle < _SHORT[1]:
        zero, allowed = "HJD UTC - 2450000", _SHORT
    else:
        raise InputError(
            f"the times of {label} are around {middle:.6g}",
            allowed="Julian Dates, whole or less 2450000",
            remedy='Say time_system="HJD UTC - 2400000" or the like.',
        )
    time[~((time > allowed[0]) & (time < allowed[1]))] = np.nan
    return parse_time_system(zero)

"""The light-curve files of the OGLE archive, one file a star."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from typing_extensions import override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.training.archives.raw_light_curves import LightCurveSource, RawLightCurves
from pelsvae_cadence.training.archives.star_table import OGLE_NAME, class_in_ogle_name, read_star_table

__all__ = ["OgleArchive"]


@dataclass(frozen=True, kw_only=True)
class OgleArchive(LightCurveSource):
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
        curves = [path for path in found if OGLE_NAME.match(path.stem)]
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
            other_files=tuple(path for path in found if not OGLE_NAME.match(path.stem)),
            without_file=tuple(name for name in table.index if name not in names),
        )

    def __len__(self) -> int:
        return len(self.files)

    @override
    def read(self, start: int, stop: int) -> RawLightCurves:
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
            columns["star_class"].append(class_in_ogle_name(path.stem))
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

    @override
    def fingerprint(self) -> str:
        files = [(path.stem, path.stat().st_size) for path in self.files]
        return fingerprint(self.band, files, self.stars[["subtype", "period"]].to_csv())


def _read_dat(path: Path) -> tuple[npt.NDArray[np.float64], str]:
    """Read one OGLE file; a fault instead of an error, because an archive has 10^5 of them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is reported by its length
            table = np.loadtxt(path, usecols=(0, 1, 2), ndmin=2, dtype=np.float64)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        return np.empty((0, 3)), f"unreadable file ({type(error).__name__})"
    return (table, "") if len(table) else (np.empty((0, 3)), "empty file")

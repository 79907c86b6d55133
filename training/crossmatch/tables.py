"""Tables of survey stars and Gaia sources: the published ones, the user's, or the Gaia archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.star_table import find_column, read_star_table

__all__ = ["PUBLISHED_TABLES", "gaia_table", "query_gaia", "read_published_crossmatch", "survey_table"]

#: The public tables of accepted matches, and the row of the paper's Table 4 each stands for.
PUBLISHED_TABLES: Final[dict[str, str]] = {
    "one_pmrad_match": "one in proper-motion radius",
    "var_conf_matches": "variability class",
    "gaiaVar_noClass_confirmed": "variable without class",
    "cmd_confirmed": "colour-magnitude diagram",
    "cmd_secondaries_confirmed": "second neighbour",
}

_SURVEY: Final[dict[str, tuple[str, ...]]] = {"ra": ("RA", "ra", "ra_deg"), "dec": ("Dec", "dec", "dec_deg")}
_GAIA: Final[dict[str, tuple[str, ...]]] = {
    "source_id": ("source_id", "SOURCE_ID", "GAIA_source_id"),
    "ra": ("ra_x", "ra"),
    "dec": ("dec_x", "dec"),
    "pmra": ("pmra",),
    "pmdec": ("pmdec",),
    "g_mag": ("g_mag", "phot_g_mean_mag"),
    "bp_rp": ("bp_rp",),
    "teff": ("teff", "teff_val"),
    "distance": ("distance", "r_est"),
    "gaia_class": ("gaia_class", "best_class_name"),
    "variable": ("variable", "phot_variable_flag"),
}
_REQUIRED: Final = ("source_id", "ra", "dec", "g_mag")


def survey_table(source: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Bring a table of survey stars to the columns of the cross-match.

    Parameters
    ----------
    source : path or DataFrame
        One row per star: name, class, ``RA`` and ``Dec`` [deg, at the survey's epoch].

    Returns
    -------
    DataFrame
        ``star``, ``star_class``, ``ra``, ``dec``.

    Raises
    ------
    InputError
        If a column is missing, a name occurs twice, or a position is not finite.
    """
    table = read_star_table(source)
    chosen = table[["star", "star_class"]].copy()
    for name in _SURVEY:
        chosen[name] = table[_find(table, name, _SURVEY, "survey stars")].to_numpy(np.float64)
    twice = chosen["star"][chosen["star"].duplicated()]
    if len(twice):
        raise InputError(
            f"{len(twice)} stars occur twice, the first is {twice.iloc[0]}", remedy="Keep one row per star."
        )
    _require_finite(chosen, "star")
    return chosen.reset_index(drop=True)


def gaia_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring a table of Gaia sources to the columns of the cross-match.

    Parameters
    ----------
    frame : DataFrame
        One row per source, with the column names of the Gaia archive or of the published tables.

    Returns
    -------
    DataFrame
        ``source_id``, ``ra``, ``dec`` [deg, at Gaia's epoch], ``pmra``, ``pmdec`` [mas/yr],
        ``g_mag``, ``bp_rp`` [mag], ``teff`` [K], ``distance`` [pc], ``gaia_class`` (``""`` for
        none) and ``variable``; what a table lacks is NaN, ``""`` or False.

    Raises
    ------
    InputError
        If the identifier, position or magnitude is missing, or a source occurs twice.
    """
    chosen = pd.DataFrame(index=pd.RangeIndex(len(frame)))
    for name in _GAIA:
        find = _find(frame, name, _GAIA, "Gaia sources") if name in _REQUIRED else None
        found = find or find_column(frame, name, _GAIA)
        values: Any = None if found is None else frame[found]
        if name == "source_id":
            chosen[name] = np.asarray(values, dtype=np.int64)
        elif name == "gaia_class":
            chosen[name] = "" if found is None else values.fillna("").astype(str).to_numpy()
        elif name == "variable":
            flag = False if found is None else values.isin([True, "VARIABLE"]).to_numpy()
            chosen[name] = flag
        else:
            chosen[name] = np.nan if found is None else pd.to_numeric(values).to_numpy(np.float64)
    chosen["variable"] |= chosen["gaia_class"] != ""
    twice = chosen["source_id"][chosen["source_id"].duplicated()]
    if len(twice):
        raise InputError(f"{len(twice)} Gaia sources occur twice, the first is {twice.iloc[0]}")
    _require_finite(chosen, "source_id")
    return chosen


def read_published_crossmatch(folder: Path | str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the public tables of accepted matches.

    Parameters
    ----------
    folder : path
        Folder with the files of `PUBLISHED_TABLES`, as parquet or csv.

    Returns
    -------
    stars : DataFrame
        The survey stars (`survey_table`).
    gaia : DataFrame
        The Gaia sources (`gaia_table`).
    accepted : DataFrame
        ``star``, ``source_id`` and ``table`` of every published match. A star or source that is
        in two tables counts in the first.

    Raises
    ------
    InputError
        If a file is missing.
    """
    frames = []
    for name in PUBLISHED_TABLES:
        files = [Path(folder) / f"{name}{suffix}" for suffix in (".parquet", ".csv")]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            raise InputError(f"{files[0]} does not exist")
        frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
        frame["variable"] = name in ("var_conf_matches", "gaiaVar_noClass_confirmed")
        frames.append(frame.assign(table=name))
    joined = pd.concat(frames, ignore_index=True)
    accepted = joined.rename(columns={"OGLE-ID": "star"})[["star", "source_id", "table"]]
    stars = survey_table(joined.drop_duplicates("OGLE-ID").drop(columns=["ra_x", "dec_x"]))
    return stars, gaia_table(joined.drop_duplicates("source_id")), accepted


def _gaia_query(radius: float = 5.0) -> str:
    """Write the ADQL query for all Gaia DR2 sources around uploaded stars."""
    return f"""\
SELECT DISTINCT g.source_id, g.ra, g.dec, g.pmra, g.pmdec, g.phot_g_mean_mag, g.bp_rp, g.teff_val,
       g.phot_variable_flag, d.r_est, v.best_class_name
FROM tap_upload.stars AS s
JOIN gaiadr2.gaia_source AS g
  ON 1 = CONTAINS(POINT('ICRS', g.ra, g.dec), CIRCLE('ICRS', s.ra, s.dec, {radius:.6f} / 3600.0))
LEFT JOIN external.gaiadr2_geometric_distance AS d ON d.source_id = g.source_id
LEFT JOIN gaiadr2.vari_classifier_result AS v ON v.source_id = g.source_id"""


def query_gaia(stars: pd.DataFrame) -> pd.DataFrame:
    """Fetch the Gaia DR2 sources around survey stars from the Gaia archive.

    Parameters
    ----------
    stars : DataFrame
        Columns ``ra`` and ``dec`` [deg].

    Returns
    -------
    DataFrame
        The sources (`gaia_table`).

    Raises
    ------
    InputError
        If astroquery is not installed.
    """
    try:
        from astroquery.gaia import Gaia
    except ImportError as error:
        raise InputError(
            "the Gaia archive is asked through astroquery, which is not installed",
            remedy="Run: python -m pip install astroquery. Or give a table of Gaia sources.",
        ) from error
    from astropy.table import Table

    upload = Table.from_pandas(stars[["ra", "dec"]])
    job = Gaia.launch_job_async(_gaia_query(), upload_resource=upload, upload_table_name="stars")
    found = job.get_results().to_pandas()
    return gaia_table(found.rename(columns={"SOURCE_ID": "source_id"}).drop_duplicates("source_id"))


def _find(frame: pd.DataFrame, name: str, aliases: dict[str, tuple[str, ...]], what: str) -> str:
    found = find_column(frame, name, aliases)
    if found is None:
        raise InputError(f"the table of {what} has no column for {name}", allowed=", ".join(aliases[name]))
    return found


def _require_finite(table: pd.DataFrame, key: str) -> None:
    bad = ~np.isfinite(table[["ra", "dec"]].to_numpy()).all(axis=1)
    if bad.any():
        raise InputError(f"{table.loc[bad, key].iloc[0]} has no position")

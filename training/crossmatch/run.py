"""The cross-match from files to files: verdicts, the summary, and the picture."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.star_table import read_frame
from pelsvae_cadence.training.crossmatch.figures import plot_confirmed_against_placed
from pelsvae_cadence.training.crossmatch.match import CrossmatchOptions, format_summary, validate_matches
from pelsvae_cadence.training.crossmatch.tables import (
    gaia_table,
    query_gaia,
    read_published_crossmatch,
    survey_table,
)

__all__ = ["crossmatch"]


def crossmatch(
    stars: Path | str,
    output: Path | str,
    *,
    gaia: Path | str | None = None,
    options: CrossmatchOptions | None = None,
) -> pd.DataFrame:
    """Match a table of stars with Gaia and write what came out.

    Parameters
    ----------
    stars : path
        Table of survey stars, or the folder with the published tables (which holds both sides).
    output : path
        Folder for ``verdicts.parquet``, ``summary.txt`` and ``confirmed_against_placed.png``.
    gaia : path, optional
        Table of Gaia sources. Default: the Gaia archive is asked, through astroquery.
    options : CrossmatchOptions, optional
        The numbers.

    Returns
    -------
    DataFrame
        The verdicts, see `pelsvae_cadence.training.crossmatch.match.validate_matches`.

    Raises
    ------
    InputError
        If a table is missing or lacks a column, or astroquery is needed and not installed.
    """
    settings = CrossmatchOptions() if options is None else options
    if Path(stars).is_dir():
        if gaia is not None:
            raise InputError(
                "the published tables hold both stars and Gaia sources",
                remedy="Give the folder alone, or a table of stars and one of sources.",
            )
        survey, sources, _ = read_published_crossmatch(stars)
    else:
        survey = survey_table(stars)
        sources = query_gaia(survey) if gaia is None else gaia_table(read_frame(Path(gaia)))
    verdicts = validate_matches(survey, sources, settings)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    verdicts.to_parquet(folder / "verdicts.parquet", index=False)
    (folder / "summary.txt").write_text(format_summary(verdicts) + "\n", encoding="utf-8")
    accepted = verdicts[verdicts["accepted"]]
    if len(accepted) and accepted[["bp_rp", "abs_mag"]].notna().all(axis=1).any():
        figure = plot_confirmed_against_placed(accepted)
        figure.savefig(folder / "confirmed_against_placed.png", dpi=150)
    return verdicts

"""The files of a comparison, beside its report: tidy tables, stars, settings, MAF's folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pelsvae_cadence.core.files import replacing, replacing_folder
from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
from pelsvae_cadence.metrics.comparison.maf_files import folder_name, write_comparison_tables, write_run
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.runs import Run
from pelsvae_cadence.metrics.comparison.statistics.summary import Summary

__all__ = ["write_results"]

_MAF: Final = "maf"


def write_results(
    folder: Path,
    runs: Sequence[Run],
    outcomes: Sequence[RunOutcome],
    summary: Summary,
    plan: Plan,
    further: Mapping[str, Any],
    settings: Mapping[str, Any],
    maf_plots: bool,
) -> dict[str, Path]:
    """Write tables and MAF's folders; a crash leaves each old or new, never half.

    Parameters
    ----------
    folder : Path
        The output folder.
    runs : sequence of Run
        The runs, the reference first.
    outcomes : sequence of RunOutcome
        What became of the stars in each.
    summary : Summary
        The tables.
    plan : Plan
        What was asked.
    further : mapping of str to sequence of Quantity
        Further metrics and what they give.
    settings : mapping
        What was run.
    maf_plots : bool
        Let MAF draw the recovered fractions after the last year.

    Returns
    -------
    dict of str to Path
        Files and folders by what they are, see `Comparison`.
    """
    with replacing_folder(folder / _MAF) as work:
        places = []
        for run in outcomes:
            place = work / folder_name(run.name)
            while place in places:  # two names may become one folder
                place = place.with_name(place.name + "_")
            place.mkdir()
            places.append(place)
            write_run(run, plan, place, common=summary.common, further=further, plots=maf_plots)
        tables = write_comparison_tables(work, places, outcomes, plan, further=further)
    files = {name: folder / _MAF / path.name for name, path in tables.items()}
    for source, place in zip(runs, places, strict=True):
        files[f"maf {source.name}"] = folder / _MAF / place.name
    frames = {"summary": summary.values, "differences": summary.differences}
    if len(runs) > 2:
        frames["pairs"] = summary.pairs
    else:  # an earlier comparison in this folder may have had some
        (folder / "pairs.csv").unlink(missing_ok=True)
    for name, frame in frames.items():
        files[f"{name} csv"] = folder / f"{name}.csv"
        with replacing(files[f"{name} csv"]) as partial:
            frame.to_csv(partial, index=False)
    files["summary parquet"] = folder / "summary.parquet"
    with replacing(files["summary parquet"]) as partial:
        summary.values.to_parquet(partial, index=False)
    files["summary hdf5"] = folder / "summary.h5"
    with replacing(files["summary hdf5"]) as partial:
        # The table format stores text as text; the other one would pickle it.
        options: dict[str, Any] = {"format": "table", "index": False, "complevel": 5}
        summary.values.to_hdf(partial, key="stats", mode="w", **options)
        for key in ("differences", "pairs"):
            if key in frames:
                frames[key].to_hdf(partial, key=key, mode="a", **options)
    files["stars"] = folder / "stars.parquet"
    with replacing(files["stars"]) as partial:
        _stars(outcomes, plan).to_parquet(partial, index=False)
    told = [run for run in outcomes if run.classified is not None]
    table = folder / "classified_stars.parquet"
    if told:
        files["classified stars"] = table
        with replacing(table) as partial:
            _classified_stars(told, plan).to_parquet(partial, index=False)
    else:  # an earlier comparison in this folder may have had one
        table.unlink(missing_ok=True)
    files["settings"] = folder / "settings.json"
    with replacing(files["settings"]) as partial:
        partial.write_text(json.dumps(settings, indent=2) + "\n")
    return files


def _stars(outcomes: Sequence[RunOutcome], plan: Plan) -> pd.DataFrame:
    """List what was found of every star, in every run and year."""
    sky = plan.sky
    parts = []
    for run in outcomes:
        where = np.flatnonzero(run.in_footprint)
        for g, group in enumerate(plan.groups):
            for y, year in enumerate(plan.years):
                n = plan.stars_per_position
                parts.append(
                    pd.DataFrame(
                        {
                            "run": run.name,
                            "star_class": group.star_class,
                            "magnitude": group.magnitude,
                            "year": year,
                            "ra": np.repeat(sky[where, 0], n),
                            "dec": np.repeat(sky[where, 1], n),
                            "star_id": run.star_id[where, g].ravel(),
                            "true_period": run.true_period[where, g].ravel(),
                            "found_period": run.found_period[where, g, y].ravel(),
                            "recovered": run.outcome[where, g, y, :, 0].ravel(),
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


def _classified_stars(outcomes: Sequence[RunOutcome], plan: Plan) -> pd.DataFrame:
    """List what every star was taken for, in every run and year."""
    sky, parts = plan.sky, []
    for run in outcomes:
        stars = run.classified
        assert stars is not None
        where = np.flatnonzero(run.in_footprint)
        names = np.array([*stars.classes, ""])  # the last one, -1, is not classified
        each = stars.label.shape[1]
        for y, year in enumerate(stars.years):
            parts.append(
                pd.DataFrame(
                    {
                        "run": run.name,
                        "year": year,
                        "ra": np.repeat(sky[where, 0], each),
                        "dec": np.repeat(sky[where, 1], each),
                        "star_id": stars.star_id[where].ravel(),
                        "star_class": names[stars.label[where].ravel()],
                        "magnitude": stars.magnitude[where].ravel(),
                        "true_period": stars.period[where].ravel(),
                        "classified_as": names[stars.predicted[where, y].ravel()],
                        "log_loss": stars.log_loss[where, y].ravel(),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)

"""The files of a comparison, beside its report: tidy tables, stars, settings, MAF's folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from pelsvae_cadence.core.files import replacing, replacing_folder
from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
from pelsvae_cadence.metrics.comparison.maf_files import write_maf
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["write_results"]

_MAF: Final = "maf"
_PAIRS: Final = "pairs.csv"
_CLASSIFIED: Final = "classified_stars.parquet"


def write_results(result: Comparison, *, maf_plots: bool = False) -> None:
    """Write tables and MAF's folders; a crash leaves each old or new, never half."""
    folder, files, summary = result.out_dir, result.files, result.summary
    with replacing_folder(folder / _MAF) as work:
        written_there = write_maf(result, work, plots=maf_plots)
    files.update({name: folder / _MAF / path for name, path in written_there.items()})
    frames = {"summary": summary.values, "differences": summary.differences}
    if len(result.runs) > 2:
        frames["pairs"] = summary.pairs

    def write_hdf(partial: Path) -> None:
        # The table format stores text as text; the other one would pickle it.
        for k, (name, frame) in enumerate(frames.items()):
            key = "stats" if name == "summary" else name
            mode: Literal["w", "a"] = "a" if k else "w"
            frame.to_hdf(partial, key=key, mode=mode, format="table", index=False, complevel=5)

    told = [run for run in result.outcomes if run.classified is not None]
    written: dict[str, tuple[str, Callable[[Path], object]]] = {
        f"{name} csv": (f"{name}.csv", partial(frame.to_csv, index=False)) for name, frame in frames.items()
    }
    written |= {
        "summary parquet": ("summary.parquet", partial(summary.values.to_parquet, index=False)),
        "summary hdf5": ("summary.h5", write_hdf),
        "stars": ("stars.parquet", partial(_stars(result.outcomes, result.plan).to_parquet, index=False)),
    }
    if told:
        classified = _classified_stars(told, result.plan)
        written["classified stars"] = (_CLASSIFIED, partial(classified.to_parquet, index=False))
    settings_text = json.dumps(result.settings, indent=2) + "\n"
    written["settings"] = ("settings.json", lambda path: path.write_text(settings_text))
    for name, (file, write) in written.items():
        files[name] = folder / file
        with replacing(files[name]) as path:
            write(path)
    for file in {_PAIRS, _CLASSIFIED} - {file for file, _ in written.values()}:
        (folder / file).unlink(missing_ok=True)  # of an earlier comparison in this folder


def _of_every_star(
    run: RunOutcome, plan: Plan, n_stars: int, about: Mapping[str, Any], columns: Mapping[str, Any]
) -> pd.DataFrame:
    """Tabulate stars of all positions in the run's footprint, from arrays with a row for each."""
    sky = plan.sky[run.in_footprint]
    place = {"ra": np.repeat(sky[:, 0], n_stars), "dec": np.repeat(sky[:, 1], n_stars)}
    flat = {name: values[run.in_footprint].ravel() for name, values in columns.items()}
    return pd.DataFrame({"run": run.name, **about, **place, **flat})


def _stars(outcomes: Sequence[RunOutcome], plan: Plan) -> pd.DataFrame:
    """List what was found of every star, in every run and year."""
    parts = [
        _of_every_star(
            run,
            plan,
            plan.stars_per_position,
            {"star_class": group.star_class, "magnitude": group.magnitude, "year": year},
            {
                "star_id": run.star_id[:, g],
                "true_period": run.true_period[:, g],
                "found_period": run.found_period[:, g, y],
                "recovered": run.outcome[:, g, y, :, 0],
            },
        )
        for run in outcomes
        for g, group in enumerate(plan.groups)
        for y, year in enumerate(plan.years)
    ]
    return pd.concat(parts, ignore_index=True)


def _classified_stars(outcomes: Sequence[RunOutcome], plan: Plan) -> pd.DataFrame:
    """List what every star was taken for, in every run and year."""
    parts = []
    for run in outcomes:
        stars = run.classified
        assert stars is not None
        names = np.array([*stars.classes, ""])  # the last one, -1, is not classified
        for y, year in enumerate(stars.years):
            columns = {
                "star_id": stars.star_id,
                "star_class": names[stars.label],
                "magnitude": stars.magnitude,
                "true_period": stars.period,
                "classified_as": names[stars.predicted[:, y]],
                "log_loss": stars.log_loss[:, y],
            }
            parts.append(_of_every_star(run, plan, stars.label.shape[1], {"year": year}, columns))
    return pd.concat(parts, ignore_index=True)

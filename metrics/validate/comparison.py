"""Figures of merit of comparisons: self-comparison, lost visits, false alarms, cost."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from scipy.stats import binom

from pelsvae_cadence.cadence.changes.strategies import strategy
from pelsvae_cadence.cadence.changes.transforms import thinned
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.metrics.comparison.compare_runs import one_cluster
from pelsvae_cadence.metrics.comparison.evaluate import evaluate
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.statistics.summary import ALL_CLASSES, PRIMARY, summarise_runs
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["comparison_report", "worker_figures"]

_DRAWS: Final = 60
_LEVEL: Final = 0.05
_LEAST_SPEED_UP: Final = 1.7
_MOST_MEMORY: Final = 4.0  # GB
#: Visits of the full ten-year baseline v3.0.
_FULL_TABLE: Final = 2_086_079
# A process of its own reads a table and looks at a position: the peak is that of the process.
_READER: Final = """
import sys
from pelsvae_cadence import read_survey
from pelsvae_cadence.validate.memory import peak_memory
survey = read_survey(sys.argv[1])
survey.at(0.0, -30.0)
print(survey.mjd.size, peak_memory())
"""


def comparison_report(seed: int = 0) -> Report:
    """Measure what a comparison promises.

    Parameters
    ----------
    seed : int
        Seed of surveys, stars and noise.

    Returns
    -------
    Report
        All figures; five to ten minutes on an unloaded machine of two cores.
    """
    return Report(
        topic="compare",
        data="synthetic LSST strategies over the whole sky (nside 2)",
        seed=seed,
        figures=(
            _same_run_figure(seed),
            *_lost_visits_figures(seed),
            *_false_alarm_figures(seed),
            *worker_figures(seed),
            _table_memory_figure(seed),
        ),
    )


def _differences(runs: list[tuple[str, Cadence]], plan: Plan) -> pd.DataFrame:
    outcomes = [evaluate(name, cadence, plan) for name, cadence in runs]
    return summarise_runs(outcomes, plan).differences


def _same_run_figure(seed: int = 0) -> Figure:
    """Compare a run with itself."""
    survey = strategy("baseline", seed=seed, years=1)
    plan = Plan(
        nside=2, magnitudes=(22.5,), years=(0.5, 1), seed=seed, stars_per_position=1, period_range=(0.2, 2.0)
    )
    table = _differences([("once", survey), ("again", survey)], plan)
    largest = float(np.nanmax(np.abs(table[["difference", "low", "high"]].to_numpy(np.float64))))
    return Figure.within(
        "largest difference of a run to itself",
        largest,
        0.0,
        0.0,
        note=f"{len(table)} rows, intervals included",
    )


def _lost_visits_figures(seed: int = 0) -> tuple[Figure, ...]:
    """Compare a survey with itself less 30 % of its visits."""
    survey = strategy("baseline", seed=seed, years=1)
    plan = Plan(
        nside=2,
        star_classes=("RRab", "RRc"),
        magnitudes=(22.5, 23.5),
        years=(1,),
        seed=seed,
        stars_per_position=2,
        period_range=(0.2, 0.9),
    )
    table = _differences([("whole", survey), ("fewer", thinned(survey, 0.7, seed=seed))], plan)
    rows = table[(table["star_class"] == ALL_CLASSES) & (table["metric"] == PRIMARY[1])]
    row = next(rows.itertuples())
    return (
        Figure.within(
            "30 % of the visits removed: corrected p",
            row.p_adjusted,
            0.0,
            _LEVEL,
            note=f"verdict: {row.verdict}; {row.n_stars} stars of r = 22.5 and 23.5, one year",
        ),
        Figure.within(
            "the same: further time without a period",
            row.difference,
            1e-9,
            math.inf,
            unit="yr",
            note=f"interval {row.low:.3f} to {row.high:.3f}",
        ),
    )


def _false_alarm_figures(seed: int = 0, n_draws: int = _DRAWS) -> tuple[Figure, ...]:
    """Compare two seeds of one strategy, again and again, with other stars each time."""
    called = np.zeros(2)
    for draw in range(n_draws):
        plan = Plan(
            nside=2,
            star_classes=("RRab", "RRc"),
            magnitudes=(22.5,),
            years=(0.5, 1),
            seed=seed + draw,
            stars_per_position=2,
            period_range=(0.2, 0.9),
        )
        pair = [seed + 2 * draw + k for k in (0, 1)]
        table = _differences([(f"seed {s}", strategy("baseline", seed=s, years=1)) for s in pair], plan)
        table = table[table["metric"].isin(PRIMARY)]
        different = table["verdict"].isin(["better", "worse"])
        headline = (table["star_class"] == ALL_CLASSES) & (table["metric"] == PRIMARY[1])
        called += different[headline].any(), different[~headline].any()
    most = float(binom.ppf(0.99, n_draws, _LEVEL)) / n_draws
    names = ("all stars together", "any class or year")
    return tuple(
        Figure.within(
            f"two seeds of one strategy called different: {name}",
            float(n) / n_draws,
            0.0,
            most,
            note=f"{n:.0f} of {n_draws} pairs; {_LEVEL:.0%} expected at most",
        )
        for name, n in zip(names, called, strict=True)
    )


def worker_figures(seed: int = 0, plan: Plan | None = None) -> tuple[Figure, ...]:
    """Time the work at the positions with one worker and with two.

    Parameters
    ----------
    seed : int
        Seed of survey and stars.
    plan : Plan, optional
        The work; by default that of the report, four survey years over the whole sky.

    Returns
    -------
    tuple of Figure
        Speed of two over one, each the faster of two turns; and stars a second of one worker,
        all years searched.
    """
    survey = strategy("baseline", seed=seed)
    plan = plan or Plan(nside=2, magnitudes=(22.5,), seed=seed)
    wall: dict[int, float] = {}
    n_stars = 0
    with one_cluster(2, None) as both:
        for work in (replace(plan, stars_per_position=1), plan, plan):  # the first one loads what is needed
            for n, address in ((1, None), (2, both)):
                start = time.monotonic()
                found = evaluate("baseline", survey, work, workers=n, scheduler=address)
                n_stars = int(found.in_footprint.sum()) * len(plan.groups) * plan.stars_per_position
                if work is plan:
                    wall[n] = min(wall.get(n, math.inf), time.monotonic() - start)
    load = f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    what = f"{n_stars} stars, years {', '.join(f'{y:g}' for y in plan.years)}"
    return (
        Figure.within(
            "speed of two workers over one",
            wall[1] / wall[2],
            _LEAST_SPEED_UP,
            math.inf,
            unit="x",
            note=f"{what}: {wall[1]:.1f} s and {wall[2]:.1f} s; {load}",
        ),
        Figure(name="time of one worker for a star", value=1e3 * wall[1] / n_stars, unit="ms", note=what),
    )


def _table_memory_figure(seed: int = 0, table: Path | None = None) -> Figure:
    """Measure the memory of a process that reads a full-size table and looks at a position."""
    with tempfile.TemporaryDirectory() as folder:
        path = table if table is not None else _full_table(Path(folder), seed)
        done = subprocess.run(
            [sys.executable, "-c", _READER, str(path)], capture_output=True, text=True, check=True
        )
    n_visits, peak = (int(word) for word in done.stdout.split())
    return Figure.within(
        "memory of a process that reads a full-size table",
        peak / 1e9,
        0.0,
        _MOST_MEMORY,
        unit="GB",
        note=f"{n_visits:,} visits from a gzip'd csv",
    )


def _full_table(folder: Path, seed: int) -> Path:
    """Write pointings evenly over the sky, in the columns and digits of the real table."""
    random = np.random.default_rng(seed)
    n = _FULL_TABLE
    table = pd.DataFrame(
        {
            "obsHistID": np.arange(n),
            "_ra": random.uniform(0.0, 2.0 * np.pi, n),
            "_dec": np.arcsin(random.uniform(-1.0, 0.5, n)),
            "expMJD": np.sort(random.uniform(60218.0, 63870.0, n)),
            "filter": np.char.add("lsst", random.choice(list("ugrizy"), n)),
            "fiveSigmaDepth": random.normal(23.5, 0.5, n),
        }
    )
    path = folder / "full_table.csv.gz"
    table.to_csv(path, index=False, compression={"method": "gzip", "compresslevel": 1})
    return path

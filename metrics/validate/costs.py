"""Cost of a MAF metric at one sky position, measured in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from pelsvae_cadence.validate.periods.costs import search_cost_figures
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["period_cost_report"]

_N_STARS: Final = 100
_LONGEST: Final = 6.0
# Runs in a process of its own: imports and the model's loading happen once a process.
_POSITION: Final = """
import json, math, sys, time

def lap(name, since=[time.process_time()]):
    now = time.process_time()
    laps[name] = now - since[0]
    since[0] = now

laps = {}
import torch
lap("torch")
from pelsvae_cadence.cadence import SyntheticSurvey
from pelsvae_cadence.metrics import PeriodRecoveryMetric
lap("imports")
seed, n_stars = int(sys.argv[1]), int(sys.argv[2])
survey = SyntheticSurvey(preset="lsst-v3", seed=seed)
visits = survey.opsim_table([35.0], [-30.0]).to_records(index=False)
lap("survey")
from pelsvae_cadence.metrics.position.observe import load_model
load_model("default")
lap("model")
metric = PeriodRecoveryMetric(
    star_class="RRab", magnitude=22.0, stars_per_position=n_stars, seed=seed
)
value = metric.run(visits, {"ra": math.radians(35.0), "dec": math.radians(-30.0)})
lap("metric")
print(json.dumps({**laps, "n_visits": len(visits), "recovered": value["recovered"]}))
"""


def _position_cost_figures(seed: int = 0, n_stars: int = _N_STARS) -> tuple[Figure, ...]:
    """Measure `PeriodRecoveryMetric` at one position of a ten-year survey, from a cold start."""
    done = subprocess.run(
        [sys.executable, "-c", _POSITION, str(seed), str(n_stars)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    what = f"{n_stars} stars, {found['n_visits']} visits"
    ours = found["model"] + found["metric"]
    return (
        Figure(name="importing torch", value=found["torch"], unit="s", note="once a process"),
        Figure(
            name="importing MAF and this package", value=found["imports"], unit="s", note="once a process"
        ),
        Figure(name="loading the source model", value=found["model"], unit="s"),
        Figure(name="metric at one position", value=found["metric"], unit="s", note=what),
        Figure.within(
            "torch, model and metric at one position",
            found["torch"] + ours,
            0.0,
            _LONGEST,
            unit="s",
            note=what,
        ),
    )


def period_cost_report(seed: int = 0) -> Report:
    """Measure what the period search and its metric cost, and the search's alternatives.

    Parameters
    ----------
    seed : int
        Seed of visits and stars.

    Returns
    -------
    Report
        Processor time of one thread. Seconds are those of this machine; ratios are measured side
        by side.
    """
    return Report(
        topic="period-speed",
        data="control sources of ten years; a position of a synthetic LSST",
        seed=seed,
        figures=(*search_cost_figures(seed), *_position_cost_figures(seed)),
    )

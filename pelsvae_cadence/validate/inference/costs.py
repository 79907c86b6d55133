"""What the reading of a star costs beside the periodogram, in one process and processor time.

``python -m pelsvae_cadence.validate.inference.costs SEED`` measures in a process of its own, for the peak
memory, and prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.validate.inference.answers import Method, answers_of_model
from pelsvae_cadence.validate.inference.real_sets import few_points
from pelsvae_cadence.validate.memory import peak_memory
from pelsvae_cadence.validate.periods.control import control_sample, control_visits
from pelsvae_cadence.validate.report import Figure

__all__ = ["cost_figures", "measure_costs"]

_BLIND: Final = (0.03, 1000.0)
_RR_LYRAE: Final = (0.2, 1.2)
_N_STARS: Final = 8
_KINDS: Final = ("RRab", "CEP", "EA", "DSCT")
_MOST_BEYOND: Final = 0.15  # seconds
_MOST_OF_FEW: Final = 0.5  # seconds
_MOST_MEMORY: Final = 1.0  # GB
# Six bands of five points, less one: as many as Pan-STARRS has.
_FEW: Final = 29


def measure_costs(ours: Method, *, seed: int = 0) -> dict[str, float]:
    """Measure processor time a star and memory.

    Parameters
    ----------
    ours : callable
        The method that is judged.
    seed : int
        Seed of visits and stars.

    Returns
    -------
    dict of str to float
        ``first`` (s: what the first star costs beyond others, such as a bank that is read), ``read`` and
        ``periodogram`` (s a star of ten years over .03-1000 d), ``few`` and ``few_periodogram`` (s a star of
        29 points over .2-1.2 d), ``n_visits``, ``memory`` (GB, peak of the process).
    """
    kinds = [_KINDS[k % len(_KINDS)] for k in range(_N_STARS)]
    many = control_sample(control_visits(seed + 3), kinds, seed=seed + 1, r_range=(18.0, 22.0)).light_curves
    short = control_sample(
        control_visits(seed + 3, 2.0), ["RRab", "RRc"] * (_N_STARS // 2), seed=seed + 2, r_range=(18.0, 20.0)
    ).light_curves
    few = _first_points(few_points(short, 5, seed=seed), _FEW)
    first = _seconds(lambda: ours(few.take(np.arange(1)), _RR_LYRAE))
    ours(many.take(np.arange(1)), _BLIND)  # what a range of periods brings along is read once
    return {
        "first": first,
        "read": _seconds(lambda: ours(many, _BLIND)) / _N_STARS,
        "periodogram": _seconds(lambda: search(many, period_range=_BLIND, refine_peaks=False)) / _N_STARS,
        "few": _seconds(lambda: ours(few, _RR_LYRAE)) / _N_STARS,
        "few_periodogram": _seconds(lambda: search(few, period_range=_RR_LYRAE, refine_peaks=False))
        / _N_STARS,
        "n_visits": many.n_points / _N_STARS,
        "memory": peak_memory() / 1e9,
    }


def _first_points(light_curves: LightCurves, n: int) -> LightCurves:
    keep = np.zeros(light_curves.n_points, dtype=np.bool_)
    for i in range(len(light_curves)):
        rows = np.arange(light_curves.n_points)[light_curves.rows(i)]
        keep[rows[:n]] = True
    return light_curves.keep(keep)


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def cost_figures(*, seed: int = 0) -> list[Figure]:
    """Measure costs in a process of its own, and compare them with what is allowed."""
    done = subprocess.run(
        [sys.executable, "-m", "pelsvae_cadence.validate.inference.costs", str(seed)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    cost: dict[str, float] = json.loads(done.stdout)
    beyond = cost["read"] - cost["periodogram"]
    few = cost["few"]
    return [
        Figure.within(
            "cost, 0.03-1000 d, all classes: beyond the periodogram, a star",
            beyond,
            high=_MOST_BEYOND,
            unit="s",
            note=f"{cost['n_visits']:.0f} visits; periodogram {1e3 * cost['periodogram']:.0f} ms; "
            f"{cost['read'] / cost['periodogram']:.1f} times its cost; processor time",
        ),
        Figure.within(
            f"cost, {_FEW} points, 0.2-1.2 d, all frequencies: a star",
            few,
            high=_MOST_OF_FEW,
            unit="s",
            note=f"{few / cost['few_periodogram']:.0f} times the periodogram",
        ),
        Figure(name="cost of the first star", value=cost["first"], unit="s", note="model and bank are read"),
        Figure.within("cost: peak memory of the process", cost["memory"], high=_MOST_MEMORY, unit="GB"),
    ]


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(measure_costs(answers_of_model(int(sys.argv[1])), seed=int(sys.argv[1]))) + "\n"
    )

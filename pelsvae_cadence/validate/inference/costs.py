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
from importlib import import_module
from typing import Final

import numpy as np

from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.validate.few_points import few_points
from pelsvae_cadence.validate.inference.answers import Method, Question, answers_of_model
from pelsvae_cadence.validate.memory import peak_memory
from pelsvae_cadence.validate.periods.control import control_sample, control_visits
from pelsvae_cadence.validate.report import Figure

__all__ = ["FEW_POINTS", "alternatives", "cost_figures", "few_point_stars", "measure_costs"]

_BLIND: Final = (0.03, 1000.0)
_RR_LYRAE: Final = (0.2, 1.2)
_N_STARS: Final = 8
_KINDS: Final = ("RRab", "CEP", "EA", "DSCT")
_MOST_BEYOND: Final = 0.15  # seconds
_MOST_OF_FEW: Final = 0.5  # seconds
_MOST_MEMORY: Final = 1.0  # GB
# Share of their frequencies that slow alternatives are measured on.
_SHARE: Final = 0.1
# Six bands of five points, less one: as many as Pan-STARRS has.
FEW_POINTS: Final = 29


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
        29 points over .2-1.2 d), ``few, <name>`` (the same of `alternatives`), ``n_visits``, ``memory`` (GB, peak of the process).
    """
    kinds = [_KINDS[k % len(_KINDS)] for k in range(_N_STARS)]
    many = control_sample(control_visits(seed + 3), kinds, seed=seed + 1, r_range=(18.0, 22.0)).light_curves
    few = few_point_stars(_N_STARS, seed=seed)
    blind, rr_lyrae = Question(period_range=_BLIND), Question(period_range=_RR_LYRAE)
    first = _seconds(lambda: ours(few.take(np.arange(1)), rr_lyrae))
    ours(many.take(np.arange(1)), blind)  # what a range of periods brings along is read once
    costs = {
        "first": first,
        "read": _seconds(lambda: ours(many, blind)) / _N_STARS,
        "periodogram": _seconds(lambda: search(many, period_range=_BLIND, refine_peaks=False)) / _N_STARS,
        "few": _seconds(lambda: ours(few, rr_lyrae)) / _N_STARS,
        "few_periodogram": _seconds(lambda: search(few, period_range=_RR_LYRAE, refine_peaks=False))
        / _N_STARS,
        "n_visits": many.n_points / _N_STARS,
        "memory": peak_memory() / 1e9,
    }
    others = alternatives(few.star(0), _SHARE)
    return costs | {f"few, {name}": _seconds(call) / _SHARE for name, call in others.items()}


def few_point_stars(n: int, *, seed: int = 0) -> LightCurves:
    """Observe n RR Lyrae control stars 29 times in two years, about five times in each band."""
    kinds = ["RRab" if k % 2 == 0 else "RRc" for k in range(n)]
    visits = control_visits(seed + 3, 2.0)
    sample = control_sample(visits, kinds, seed=seed + 2, r_range=(18.0, 20.0))
    curves = few_points(sample.light_curves, 5, seed=seed)
    keep = np.zeros(curves.n_points, dtype=np.bool_)
    for i in range(n):
        rows = np.arange(curves.n_points)[curves.rows(i)]
        keep[rows[:FEW_POINTS]] = True
    return curves.keep(keep)


def alternatives(star: LightCurves, share: float = 1.0) -> dict[str, Callable[[], object]]:
    """List what else looks at all frequencies of RR Lyrae stars for one star.

    Parameters
    ----------
    star : LightCurves
        One star.
    share : float
        Share of the frequencies that are tried.

    Returns
    -------
    dict of str to callable
        By name: "astropy" (``LombScargleMultiband`` with one common term and offsets), and, where the package
        is installed, "FastTemplatePeriodogram" (``ftperiodogram`` with one RRab template of the source
        model, in the band with most points: a class has hundreds of shapes).
    """
    from astropy.timeseries import LombScargleMultiband

    grid = FrequencyGrid.from_baseline(time_span(star.mjd), _RR_LYRAE)
    frequency = grid.frequencies()[: max(1, round(share * grid.n))]
    multiband = LombScargleMultiband(
        star.mjd, star.flux, star.band, star.flux_err, nterms_base=1, nterms_band=0
    )
    found: dict[str, Callable[[], object]] = {
        "astropy": lambda: multiband.power(frequency, method="flexible")
    }
    try:
        templates, modeler = (import_module(f"ftperiodogram.{name}") for name in ("template", "modeler"))
    except ImportError:
        return found
    from pelsvae_cadence.model.source import LightCurveModel

    model = LightCurveModel.load()
    shape = model.phase_curve(model.sample("RRab", n=1, seed=0), seed=0)
    sampled = shape.on_grid(128)[0]
    names, counts = np.unique(star.band, return_counts=True)
    mine = star.band == names[np.argmax(counts)]
    theirs = modeler.FastTemplatePeriodogram(template=templates.Template.from_sampled(sampled, nharmonics=6))
    theirs.fit(star.mjd[mine], star.mag[mine], star.mag_err[mine])
    found["FastTemplatePeriodogram"] = lambda: theirs.power(frequency)
    return found


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
    figures = [
        Figure.within(
            "cost, 0.03-1000 d, all classes: beyond the periodogram, a star",
            beyond,
            high=_MOST_BEYOND,
            unit="s",
            note=f"{cost['n_visits']:.0f} visits; periodogram {1e3 * cost['periodogram']:.0f} ms; "
            f"{cost['read'] / cost['periodogram']:.1f} times its cost; processor time",
        ),
        Figure.within(
            f"cost, {FEW_POINTS} points, 0.2-1.2 d, all frequencies: a star",
            few,
            high=_MOST_OF_FEW,
            unit="s",
            note=f"{few / cost['few_periodogram']:.0f} times the periodogram",
        ),
        Figure(name="cost of the first star", value=cost["first"], unit="s", note="model and bank are read"),
        Figure.within("cost: peak memory of the process", cost["memory"], high=_MOST_MEMORY, unit="GB"),
    ]
    beside = {name: value for name, value in cost.items() if name.startswith("few, ")}
    figures += [
        Figure(
            name=f"cost, {FEW_POINTS} points: {name.removeprefix('few, ')} / reading",
            value=value / few,
            note=f"{value:.2g} s of one star",
        )
        for name, value in beside.items()
    ]
    if "few, FastTemplatePeriodogram" not in beside:
        figures.append(
            Figure(
                name=f"cost, {FEW_POINTS} points: FastTemplatePeriodogram / reading",
                value=float("nan"),
                note="not measured: not installed (pip install ftperiodogram)",
            )
        )
    return figures


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(measure_costs(answers_of_model(int(sys.argv[1])), seed=int(sys.argv[1]))) + "\n"
    )

"""An example star of a run: its light curve and what was found of it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.stars import Stars

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle

__all__ = ["Example", "find_example"]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One star of a run, to look at.

    Parameters
    ----------
    stars : Stars
        The star.
    curve : PhaseCurve
        Its shape.
    light_curves : LightCurves
        Its light curve.
    found_period : float
        The period found, in days; NaN if none.
    verdict : str
        How right it is.
    """

    stars: Stars
    curve: PhaseCurve
    light_curves: LightCurves
    found_period: float
    verdict: str


def find_example(bundles: Sequence[MetricBundle], visits: npt.NDArray[Any]) -> Example | None:
    """Observe the stars of one position again, to look at one of them.

    The star is of the class and magnitude nearest to the middle that has a period found at all. Of
    the positions where periods were found, that with the median number of visits is taken: what a
    survey usually gives. The richest one is a deep field, the sparsest one the edge of the footprint.
    """
    middle = float(np.median([bundle.metric.options.magnitude for bundle in bundles]))
    ranked = sorted(bundles, key=lambda bundle: abs(bundle.metric.options.magnitude - middle))
    places = [
        (value["recovered"] > 0, bundle, value["n_visits_all"], i)
        for bundle in ranked
        for i, value in enumerate(bundle.metric_values.data)
        if isinstance(value, dict)
    ]
    if not places:
        return None
    best = [place for place in places if place[0]] or places
    bundle = best[0][1]
    mine = sorted((n_visits, i) for _, one, n_visits, i in best if one is bundle)
    here = bundle.slicer[mine[len(mine) // 2][1]]
    found: list[Recovery] = []
    metric = copy.copy(bundle.metric)
    metric.on_run, metric.on_observed = None, found.append
    metric.run(visits[here["idxs"]], here["slice_point"])
    (recovery,) = found
    row = int(np.argmax(recovery.verdicts.verdict == "exact"))
    return Example(
        stars=recovery.stars.take([row]),
        curve=recovery.curve.take([row]),
        light_curves=recovery.light_curves.star(row),
        found_period=float(recovery.periods.period[row]),
        verdict=str(recovery.verdicts.verdict[row]),
    )

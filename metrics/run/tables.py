"""Tables of a run: positions, stars, survey years, summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from pelsvae_cadence.classes import SUBTYPES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.period_recovery import READING_VALUES, RECOVERY_VALUES, PeriodRecoveryMetric
from pelsvae_cadence.metrics.position.slice_point import carries_star
from pelsvae_cadence.metrics.position.years import wilson_interval

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle

__all__ = ["summary_by_year", "summary_of_positions", "tables_of_bundles", "year_table"]

# What makes one table of a row's stars.
_KIND: Final = ["run", "star_class", "magnitude", "method"]
_OF_STARS: Final = ("star_id", "true_period", "found_period", "verdict")
_OF_READ_STARS: Final = ("probability", "read_class")
_NAMES: Final = {s for subtypes in SUBTYPES.values() for s in subtypes} - {"F", "1O"}


def tables_of_bundles(bundles: list[MetricBundle], run_name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List what bundles of PeriodRecoveryMetric have found."""
    positions: list[dict[str, Any]] = []
    stars: list[pd.DataFrame] = []
    for bundle in bundles:
        for row, value in _rows(bundle, bundle.metric, run_name):
            names = [*RECOVERY_VALUES, *(key for key in READING_VALUES if key in value)]
            fractions = {key: value[key] for key in names if key != "n_visits"}
            visits = {"n_visits": value["n_visits_all"], "n_visits_used": value["n_visits"]}
            positions.append({**row, **visits, "n_stars": value["star_id"].size, **fractions})
            keys = [*_OF_STARS, *(key for key in _OF_READ_STARS if key in value)]
            stars.append(pd.DataFrame({**row, **{key: value[key] for key in keys}}))
    if not positions:
        raise InputError(
            "no position has enough visits",
            remedy="Choose positions inside the survey's footprint, a larger radius, or lower min_visits.",
        )
    return pd.DataFrame(positions), pd.concat(stars, ignore_index=True)


def _rows(
    bundle: MetricBundle, metric: PeriodRecoveryMetric, run_name: str
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give the positions of a bundle that have values: run, class, magnitude, method and place; the values."""
    points = bundle.slicer.slice_points
    for i in np.flatnonzero(~np.ma.getmaskarray(bundle.metric_values)).tolist():
        kind = {"star_class": metric.options.star_class, "magnitude": metric.options.magnitude}
        if carries_star(points):
            magnitude = points.get("mean_magnitude")
            star_class, subtype = str(points["star_class"][i]), str(points["subtype"][i])
            # Most subtypes have names of their own (RRab); pulsation modes belong to a class (CEP F).
            kind = {
                "star_class": subtype if subtype in _NAMES else star_class,
                "magnitude": np.nan if magnitude is None else float(magnitude[i]),
            }
        place = {key: round(float(np.degrees(points[key][i])), 9) for key in ("ra", "dec")}
        yield (
            {"run": run_name, **kind, "method": metric.options.method, **place},
            bundle.metric_values.data[i],
        )


def year_table(bundles: list[MetricBundle], run_name: str) -> pd.DataFrame:
    """List what bundles of TimeToRecoveryMetric have found."""
    columns = ("n_visits", "recovered", "recovered_low", "recovered_high")
    frames = [
        pd.DataFrame(
            {
                **row,
                "year": value["years"],
                "n_stars": value["star_id"].size,
                **{key: value[key] for key in columns},
            }
        )
        for bundle in bundles
        for row, value in _rows(bundle, bundle.metric.recovery, run_name)
    ]
    table = pd.concat(frames, ignore_index=True)
    return table[table["recovered"].notna()].reset_index(drop=True)  # years the survey reaches


def summary_by_year(table: pd.DataFrame, *, round_magnitudes: bool = False) -> pd.DataFrame:
    """Join the positions.

    Parameters
    ----------
    table : pandas.DataFrame
        What `year_table` gives.
    round_magnitudes : bool
        Put stars with magnitudes of their own into bins of one magnitude.

    Returns
    -------
    pandas.DataFrame
        One row per class, magnitude and year: n_positions, n_stars, n_recovered, mean n_visits,
        recovered and the 68 per cent interval for stars drawn one by one.
    """
    if round_magnitudes:
        table = table.assign(magnitude=table["magnitude"].round())
    counted = table.assign(n_recovered=np.rint(table["recovered"] * table["n_stars"]).astype(int))
    groups = counted.groupby([*_KIND, "year"], sort=False)
    summary = groups[["n_stars", "n_recovered"]].sum()
    summary.insert(0, "n_positions", groups.size())
    summary["n_visits"] = groups["n_visits"].mean()
    summary["recovered"] = summary["n_recovered"] / summary["n_stars"]
    low, high = wilson_interval(summary["n_recovered"], summary["n_stars"])
    summary["recovered_low"], summary["recovered_high"] = low, high
    return summary.reset_index()


def summary_of_positions(positions: pd.DataFrame, *, round_magnitudes: bool = False) -> pd.DataFrame:
    """Average over positions.

    Parameters
    ----------
    positions : pandas.DataFrame
        What `tables_of_bundles` gives.
    round_magnitudes : bool
        Put stars with magnitudes of their own into bins of one magnitude.

    Returns
    -------
    pandas.DataFrame
        One row per class and magnitude. The error allows for clusters: stars share a position's
        visits.
    """
    fractions = [key for key in RECOVERY_VALUES if key != "n_visits"]
    if round_magnitudes:
        positions = positions.assign(magnitude=positions["magnitude"].round())
    groups = positions.groupby(_KIND, sort=False)
    fractions += [key for key in READING_VALUES if key in positions]
    summary = groups[[*fractions, "n_visits", "n_visits_used"]].mean()
    if "confident_right" in summary:
        # Of all stars with a sure period, wherever they are.
        sure = positions["confident"] * positions["n_stars"]
        right = (sure * positions["confident_right"]).fillna(0.0)
        counted = positions.assign(sure=sure, right=right).groupby(_KIND, sort=False)[["sure", "right"]].sum()
        summary["confident_right"] = counted["right"] / counted["sure"]
    n = groups.size()
    summary.insert(0, "n_positions", n)
    summary.insert(1, "n_stars", groups["n_stars"].sum())
    # All or no stars recovered shows no scatter and is no proof of certainty: the half-width of
    # the 68.3 per cent interval of Wilson (1927, J. Am. Stat. Assoc. 22, 209) is the least error.
    scatter = (groups["recovered"].std() / np.sqrt(n)).fillna(0.0)
    share, stars = summary["recovered"], summary["n_stars"]
    wilson = np.sqrt(share * (1.0 - share) / stars + 0.25 / stars**2) / (1.0 + 1.0 / stars)
    summary["recovered_err"] = np.maximum(scatter, wilson)
    return summary.reset_index()

"""Tidy tables of a comparison: values of every run, and differences to the reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import (
    CADENCE_QUANTITIES,
    HEADLINE,
    STAR_QUANTITIES,
    YEARS_WITHOUT,
    Quantity,
)
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import Unit, choose_unit, mean_intervals
from pelsvae_cadence.metrics.comparison.statistics.class_scores import F1, MACRO_F1, ScoreRows
from pelsvae_cadence.metrics.comparison.statistics.paired import corrected, sign_flip_test
from pelsvae_cadence.metrics.comparison.statistics.summary_rows import (
    ALL_CLASSES,
    ALL_STARS,
    Key,
    SummaryRows,
)

__all__ = [
    "ALL_CLASSES",
    "ALL_STARS",
    "PRIMARY",
    "SIGNIFICANCE",
    "Summary",
    "asked_beside",
    "overall",
    "star_values",
    "summarise_runs",
]

FloatArray = npt.NDArray[np.float64]

#: What the question is about. Its tests are corrected among themselves, all others among theirs:
#: asking for the ways to fail as well does not weaken the answer. The one number that answers for
#: all stars and years, fixed before anything is seen, is corrected for the number of runs alone.
PRIMARY: Final = (HEADLINE, YEARS_WITHOUT)
#: Adjusted probabilities below this are called significant.
SIGNIFICANCE: Final = 0.05

_WITHOUT = Quantity(
    name=YEARS_WITHOUT,
    better="lower",
    unit="yr",
    caption="mean number of survey years during which a star has no period",
)
_RECOVERED: Final = [quantity.name for quantity in STAR_QUANTITIES].index("recovered")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The tables of a comparison.

    Parameters
    ----------
    values : pandas.DataFrame
        A row per run, footprint, metric, class, magnitude and year: run, footprint ("common" to
        all runs, or the run's "own"), metric, star_class (`ALL_CLASSES` for the `PRIMARY`
        quantities of all classes and magnitudes together, with magnitude NaN), magnitude, year,
        value, low, high (95 % interval), n_positions, n_stars, better, unit, resampled. Where
        stars are classified: "macro_f1", and "f1" of every class told apart.
    differences : pandas.DataFrame
        A row per run other than the reference, metric, class, magnitude and year, over the common
        footprint: run, reference, metric, star_class, magnitude, year, difference, low, high, p,
        p_adjusted, verdict ("better", "worse", "no difference shown", or "" for quantities that
        have no better side or no known value), n_positions, n_stars, better, unit, resampled.
    pairs : pandas.DataFrame
        The same columns for every pair of the other runs, the earlier one as the reference: the
        `PRIMARY` quantities of all stars together. Corrected among themselves.
    unit : {"positions", "stars"}
        What was resampled.
    common : ndarray of bool, shape (n_positions,)
        The common footprint.
    """

    values: pd.DataFrame
    differences: pd.DataFrame
    pairs: pd.DataFrame
    unit: Unit
    common: npt.NDArray[np.bool_]


def asked_beside(further: Mapping[str, Sequence[Quantity]]) -> set[str]:
    """Name what further metrics give: another question, whose tests are a family of their own.

    Parameters
    ----------
    further : mapping of str to sequence of Quantity
        Further metrics and what they give.

    Returns
    -------
    set of str
        Their quantities, and the scores of classification.
    """
    names = {quantity.name for family in further.values() for quantity in family}
    return names | {MACRO_F1.name, F1.name}


def overall(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Select the rows for all stars of the plan together.

    Parameters
    ----------
    table : pandas.DataFrame
        Values or differences of a `Summary`.
    metric : str
        One of the `PRIMARY` quantities.

    Returns
    -------
    pandas.DataFrame
        The rows of `ALL_CLASSES`, or those of the only class and magnitude there is.
    """
    rows = table[table["metric"] == metric]
    together = rows[rows["star_class"] == ALL_CLASSES]
    return rows if together.empty else together


def star_values(run: RunOutcome, plan: Plan) -> FloatArray:
    """Lay out what is known per star, one column per quantity, class, magnitude and year.

    Parameters
    ----------
    run : RunOutcome
        A run.
    plan : Plan
        What was asked.

    Returns
    -------
    ndarray of float64, shape (n_positions, n_stars, n_columns)
        The `STAR_QUANTITIES` of every group and year (quantities running fastest, then years),
        then the years without a period of every group. Where there are several groups, the
        `PRIMARY` quantities of all of them together follow: the n-th stars of the groups
        averaged, the recovered fraction of every year, then the years without a period.
    """
    n_positions, _, _, n_stars, _ = run.outcome.shape
    flat = run.outcome.transpose(0, 3, 1, 2, 4).reshape(n_positions, n_stars, -1)
    length = np.diff(plan.years, prepend=0.0)
    missing = 1.0 - run.outcome[..., _RECOVERED]  # (n_positions, n_groups, n_years, n_stars)
    without = np.einsum("pgys,y->psg", missing, length)
    parts = [flat.astype(np.float64), without]
    if len(plan.groups) > 1:
        recovered = run.outcome[..., _RECOVERED].mean(axis=1).swapaxes(1, 2)
        parts += [recovered, without.mean(axis=-1, keepdims=True)]
    return np.concatenate(parts, axis=-1)


def _star_keys(plan: Plan) -> list[Key]:
    keys = [
        (quantity, group.star_class, group.magnitude, float(year))
        for group in plan.groups
        for year in plan.years
        for quantity in STAR_QUANTITIES
    ]
    last = float(plan.years[-1])
    keys += [(_WITHOUT, group.star_class, group.magnitude, last) for group in plan.groups]
    if len(plan.groups) > 1:
        recovered, any_magnitude = STAR_QUANTITIES[_RECOVERED], float("nan")
        keys += [(recovered, ALL_CLASSES, any_magnitude, float(year)) for year in plan.years]
        keys.append((_WITHOUT, ALL_CLASSES, any_magnitude, last))
    return keys


def _position_values(run: RunOutcome, further: Mapping[str, Sequence[Quantity]]) -> FloatArray:
    """Values of the positions, as of a single star each: cadence first, then further metrics."""
    n = run.cadence.shape[0]
    parts = [run.cadence.reshape(n, -1), *(run.further[name].reshape(n, -1) for name in further)]
    return np.concatenate(parts, axis=-1)[:, None, :]


def _position_keys(plan: Plan, further: Mapping[str, Sequence[Quantity]]) -> list[Key]:
    families = [CADENCE_QUANTITIES, *further.values()]
    return [
        (quantity, ALL_STARS, float("nan"), float(year))
        for family in families
        for year in plan.years
        for quantity in family
    ]


def summarise_runs(
    runs: Sequence[RunOutcome],
    plan: Plan,
    *,
    further: Mapping[str, Sequence[Quantity]] | None = None,
    unit: Unit | None = None,
) -> Summary:
    """Average every run, and compare each with the first.

    Parameters
    ----------
    runs : sequence of RunOutcome
        The runs, the reference first.
    plan : Plan
        What was asked.
    further : mapping of str to sequence of Quantity
        Further metrics and what they give.
    unit : {"positions", "stars"}, optional
        What is resampled; by default positions where the common footprint has enough of them.

    Returns
    -------
    Summary
        The tables. Probabilities of differences are corrected in four families: the years without
        a period of all stars together, one a run; all other tests of the `PRIMARY` quantities;
        further metrics and scores of classification; all the rest. Those of pairs in the first two
        of these, by themselves.

    Raises
    ------
    InputError
        If there is no run, or the runs share no position.
    """
    if not runs:
        raise InputError("no run to summarise")
    further = further or {}
    common = np.logical_and.reduce([run.in_footprint for run in runs])
    if not common.any():
        raise InputError(
            "the runs have no position in common",
            remedy="Choose positions that every run observes, or fewer runs.",
        )
    chosen = unit or choose_unit(int(common.sum()))
    stars = {run.name: star_values(run, plan) for run in runs}
    places = {run.name: _position_values(run, further) for run in runs}
    star_keys, place_keys = _star_keys(plan), _position_keys(plan, further)
    tables = ((stars, SummaryRows(star_keys, plan)), (places, SummaryRows(place_keys, plan)))
    told = ScoreRows.of(runs, plan)
    values: list[pd.DataFrame] = []
    differences: list[pd.DataFrame] = []
    for run in runs:
        for footprint, where in (("common", common), ("own", run.in_footprint)):
            mine = unit or choose_unit(int(where.sum()))
            about = {"run": run.name, "footprint": footprint}
            for table, rows in tables:
                array = table[run.name][where]
                found = mean_intervals(array, unit=mine, seed=plan.seed)
                values.append(rows.frame(about, "value", found, None, array.shape[:2], mine))
            if told is not None:
                values += told.values(run, where, about, mine)
    reference = runs[0]
    for run in runs[1:]:
        about = {"run": run.name, "reference": reference.name}
        for table, rows in tables:
            array = table[run.name][common] - table[reference.name][common]
            differences.append(_tested(array, rows, about, chosen))
        if told is not None:
            differences += told.differences(run, reference, common, about, chosen)
    return Summary(
        values=pd.concat(values, ignore_index=True),
        differences=_judged(differences, asked_beside(further)),
        pairs=_judged(_pairs(runs[1:], stars, common, plan, chosen), ()),
        unit=chosen,
        common=common,
    )


def _pairs(
    runs: Sequence[RunOutcome],
    stars: Mapping[str, FloatArray],
    common: npt.NDArray[np.bool_],
    plan: Plan,
    unit: Unit,
) -> list[pd.DataFrame]:
    """Compare the runs that are no reference with each other, all stars together."""
    keys = _star_keys(plan)
    several = len(plan.groups) > 1
    columns = [
        k
        for k, (quantity, star_class, *_) in enumerate(keys)
        if quantity.name in PRIMARY and (star_class == ALL_CLASSES or not several)
    ]
    rows = SummaryRows([keys[k] for k in columns], plan)
    parts = []
    for first, second in combinations(runs, 2):
        array = (stars[second.name] - stars[first.name])[common][..., columns]
        about = {"run": second.name, "reference": first.name}
        parts.append(_tested(array, rows, about, unit))
    return parts


def _tested(array: FloatArray, rows: SummaryRows, about: Mapping[str, str], unit: Unit) -> pd.DataFrame:
    """Average differences star by star (or position by position), and test them."""
    seed = rows.plan.seed
    found = mean_intervals(array, unit=unit, seed=seed)
    p = sign_flip_test(array, unit=unit, seed=seed)
    return rows.frame(about, "difference", found, p, array.shape[:2], unit)


def _judged(parts: list[pd.DataFrame], asked: Collection[str]) -> pd.DataFrame:
    columns = [
        "run",
        "reference",
        "metric",
        "star_class",
        "magnitude",
        "year",
        "difference",
        "low",
        "high",
        "p",
        "p_adjusted",
        "verdict",
        "n_positions",
        "n_stars",
        "better",
        "unit",
        "resampled",
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    table = pd.concat(parts, ignore_index=True)
    p = table["p"].to_numpy(np.float64)
    primary = table["metric"].isin(PRIMARY).to_numpy()
    headline = table.index.isin(overall(table, YEARS_WITHOUT).index)
    adjusted = np.full(p.shape, np.nan)
    further = table["metric"].isin(asked).to_numpy()
    for family in (headline, primary & ~headline, further, ~primary & ~further):
        adjusted = np.where(family, corrected(np.where(family, p, np.nan)), adjusted)
    table["p_adjusted"] = adjusted
    sign = table["better"].map({"higher": 1.0, "lower": -1.0, "neither": 0.0})
    gain = sign * table["difference"]
    sure = table["p_adjusted"] < SIGNIFICANCE
    table["verdict"] = np.select(
        [(table["better"] == "neither") | table["difference"].isna(), sure & (gain > 0), sure & (gain < 0)],
        ["", "better", "worse"],
        default="no difference shown",
    )
    return table[columns]

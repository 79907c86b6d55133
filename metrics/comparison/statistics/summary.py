"""Tidy tables of a comparison: values of every run, and differences to the reference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, NamedTuple

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
    WITHOUT_PERIOD,
    YEARS_WITHOUT,
    Quantity,
)
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import (
    Intervals,
    Unit,
    choose_unit,
    mean_intervals,
)
from pelsvae_cadence.metrics.comparison.statistics.class_scores import (
    F1,
    MACRO_F1,
    difference_of_scores,
    scores_of_run,
)
from pelsvae_cadence.metrics.comparison.statistics.paired import corrected, sign_flip_test

__all__ = [
    "ALL_CLASSES",
    "ALL_STARS",
    "PRIMARY",
    "SIGNIFICANCE",
    "Summary",
    "asked_beside",
    "overall",
    "select",
    "summarise_runs",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Quantities of a position rather than of stars carry this in the column of classes.
ALL_STARS: Final = "-"
#: Means over all classes and magnitudes of the plan, each with the same weight, carry this one.
ALL_CLASSES: Final = "all"
_ANY_MAGNITUDE: Final = float("nan")

#: What the question is about. Its tests are corrected among themselves, all others among theirs:
#: asking for the ways to fail as well does not weaken the answer. The one number that answers for
#: all stars and years, fixed before anything is seen, is corrected for the number of runs alone.
PRIMARY: Final = (HEADLINE, YEARS_WITHOUT)
#: Adjusted probabilities below this are called significant.
SIGNIFICANCE: Final = 0.05

_RECOVERED: Final = [quantity.name for quantity in STAR_QUANTITIES].index("recovered")
_DIFFERENCE_COLUMNS: Final = (
    *("run", "reference", "metric", "star_class", "magnitude", "year", "difference", "low", "high"),
    *("p", "p_adjusted", "verdict", "n_positions", "n_stars", "better", "unit", "resampled"),
)


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
    common: BoolArray


def select(table: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """Select rows of a table.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    **where : object
        Columns and what they must be.

    Returns
    -------
    pandas.DataFrame
        The rows.
    """
    for column, value in where.items():
        table = table[table[column] == value]
    return table


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
    rows = select(table, metric=metric)
    together = select(rows, star_class=ALL_CLASSES)
    return rows if together.empty else together


class _Key(NamedTuple):
    """What a row is about, and how many stars are behind it at each position."""

    quantity: Quantity
    star_class: str
    magnitude: float
    year: float
    n_stars: int


class _Rows(NamedTuple):
    """Rows that are computed together: the numbers of a run, and differences of two with their tests."""

    keys: Sequence[_Key]
    of_run: Callable[[RunOutcome, BoolArray, Unit], Intervals]
    difference: Callable[[RunOutcome, RunOutcome, BoolArray, Unit], tuple[Intervals, FloatArray]]

    def values(self, run: RunOutcome, footprint: str, where: BoolArray, unit: Unit) -> pd.DataFrame:
        """Tabulate a run."""
        found = self.of_run(run, where, unit)
        numbers = {"value": found.mean, "low": found.low, "high": found.high}
        return self._frame({"run": run.name, "footprint": footprint}, numbers, where, unit)

    def differences(
        self, run: RunOutcome, reference: RunOutcome, where: BoolArray, unit: Unit
    ) -> pd.DataFrame:
        """Tabulate a run less another one."""
        found, p = self.difference(run, reference, where, unit)
        # What has no better side describes the cadences; it is not tested, nor is what is unknown.
        tested = np.array([key.quantity.better != "neither" for key in self.keys]) & np.isfinite(found.mean)
        p = np.where(tested, p, np.nan)
        numbers = {"difference": found.mean, "low": found.low, "high": found.high, "p": p}
        return self._frame({"run": run.name, "reference": reference.name}, numbers, where, unit)

    def _frame(
        self, about: Mapping[str, str], numbers: Mapping[str, FloatArray], where: BoolArray, unit: Unit
    ) -> pd.DataFrame:
        n_positions = int(where.sum())
        columns: dict[str, Any] = {
            **about,
            "metric": [key.quantity.name for key in self.keys],
            "star_class": [key.star_class for key in self.keys],
            "magnitude": [key.magnitude for key in self.keys],
            "year": [key.year for key in self.keys],
            **numbers,
            "n_positions": n_positions,
            "n_stars": [n_positions * key.n_stars for key in self.keys],
            "better": [key.quantity.better for key in self.keys],
            "unit": [key.quantity.unit for key in self.keys],
            "resampled": unit,
        }
        return pd.DataFrame(columns)


def _mean_rows(
    keys: Sequence[_Key], arrays: Mapping[str, FloatArray], seed: int, *, chosen: Sequence[int] | None = None
) -> _Rows:
    """Average columns of the runs' arrays over stars or positions; all columns, or those chosen."""
    columns = slice(None) if chosen is None else list(chosen)

    def of_run(run: RunOutcome, where: BoolArray, unit: Unit) -> Intervals:
        return mean_intervals(arrays[run.name][where][..., columns], unit=unit, seed=seed)

    def difference(
        run: RunOutcome, reference: RunOutcome, where: BoolArray, unit: Unit
    ) -> tuple[Intervals, FloatArray]:
        array = (arrays[run.name][where] - arrays[reference.name][where])[..., columns]
        return mean_intervals(array, unit=unit, seed=seed), sign_flip_test(array, unit=unit, seed=seed)

    return _Rows(keys if chosen is None else [keys[k] for k in chosen], of_run, difference)


def _score_rows(runs: Sequence[RunOutcome], plan: Plan) -> list[_Rows]:
    """Score the stars that are told apart, year after year; nothing where no run has any."""
    known = next((run.classified for run in runs if run.classified is not None), None)
    if known is None:
        return []
    n_stars, classes, years = known.label.shape[1], known.classes, range(len(plan.years))
    rows = [(MACRO_F1, ALL_STARS, n_stars), *((F1, name, n_stars // len(classes)) for name in classes)]
    keys = [_Key(q, name, _ANY_MAGNITUDE, float(year), n) for year in plan.years for q, name, n in rows]

    def of_run(run: RunOutcome, where: BoolArray, unit: Unit) -> Intervals:
        return scores_of_run(run.classified, where, years, len(classes), unit=unit, seed=plan.seed)

    def difference(
        run: RunOutcome, reference: RunOutcome, where: BoolArray, unit: Unit
    ) -> tuple[Intervals, FloatArray]:
        both = run.classified, reference.classified
        return difference_of_scores(both, where, years, len(classes), unit=unit, seed=plan.seed)

    return [_Rows(keys, of_run, difference)]


def _star_values(run: RunOutcome, plan: Plan) -> FloatArray:
    """Lay out what is known per star, shape (n_positions, n_stars, n_columns), as `_star_keys` has it.

    The `STAR_QUANTITIES` of every group and year (quantities running fastest, then years), then the
    years without a period of every group. Where there are several groups, the `PRIMARY` quantities
    of all of them together follow: the n-th stars of the groups averaged, the recovered fraction of
    every year, then the years without a period.
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


def _star_keys(plan: Plan) -> list[_Key]:
    n, every = plan.stars_per_position, plan.stars_per_position * len(plan.groups)
    years = [float(year) for year in plan.years]
    keys = [
        _Key(quantity, group.star_class, group.magnitude, year, n)
        for group in plan.groups
        for year in years
        for quantity in STAR_QUANTITIES
    ]
    keys += [_Key(WITHOUT_PERIOD, group.star_class, group.magnitude, years[-1], n) for group in plan.groups]
    if len(plan.groups) > 1:
        recovered = STAR_QUANTITIES[_RECOVERED]
        keys += [_Key(recovered, ALL_CLASSES, _ANY_MAGNITUDE, year, every) for year in years]
        keys.append(_Key(WITHOUT_PERIOD, ALL_CLASSES, _ANY_MAGNITUDE, years[-1], every))
    return keys


def _position_values(run: RunOutcome, further: Mapping[str, Sequence[Quantity]]) -> FloatArray:
    """Values of the positions, as of a single star each: cadence first, then further metrics."""
    n = run.cadence.shape[0]
    parts = [run.cadence.reshape(n, -1), *(run.further[name].reshape(n, -1) for name in further)]
    return np.concatenate(parts, axis=-1)[:, None, :]


def _position_keys(plan: Plan, further: Mapping[str, Sequence[Quantity]]) -> list[_Key]:
    return [
        _Key(quantity, ALL_STARS, _ANY_MAGNITUDE, float(year), 0)
        for family in (CADENCE_QUANTITIES, *further.values())
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
    tested = unit or choose_unit(int(common.sum()))
    of_stars = {run.name: _star_values(run, plan) for run in runs}
    of_places = {run.name: _position_values(run, further) for run in runs}
    star_keys = _star_keys(plan)
    parts = [
        _mean_rows(star_keys, of_stars, plan.seed),
        _mean_rows(_position_keys(plan, further), of_places, plan.seed),
        *_score_rows(runs, plan),
    ]
    values = [
        rows.values(run, footprint, where, unit or choose_unit(int(where.sum())))
        for run in runs
        for footprint, where in (("common", common), ("own", run.in_footprint))
        for rows in parts
    ]
    reference, *others = runs
    differences = [rows.differences(run, reference, common, tested) for run in others for rows in parts]
    together = {ALL_CLASSES} if len(plan.groups) > 1 else set(plan.star_classes)
    chosen = [
        k for k, key in enumerate(star_keys) if key.quantity.name in PRIMARY and key.star_class in together
    ]
    primary = _mean_rows(star_keys, of_stars, plan.seed, chosen=chosen)
    pairs = [primary.differences(second, first, common, tested) for first, second in combinations(others, 2)]
    return Summary(
        values=pd.concat(values, ignore_index=True),
        differences=_judged(differences, asked_beside(further)),
        pairs=_judged(pairs, ()),
        unit=tested,
        common=common,
    )


def _judged(parts: list[pd.DataFrame], asked: Collection[str]) -> pd.DataFrame:
    """Correct the probabilities of each family of tests, and say what they mean."""
    columns = list(_DIFFERENCE_COLUMNS)
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

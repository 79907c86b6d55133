"""Answers in words: is a run better than the reference, by how much, for which stars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from pelsvae_cadence.metrics.comparison.quantities import HEADLINE, YEARS_WITHOUT
from pelsvae_cadence.metrics.comparison.statistics.class_scores import MACRO_F1
from pelsvae_cadence.metrics.comparison.statistics.summary import ALL_CLASSES, overall, select
from pelsvae_cadence.metrics.position.methods import FALSE_ALARM_LEVEL, METHOD_WORDS

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.plan import Plan
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["Answer", "answers", "interval", "method_sentence", "number", "pair_answers"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a comparison says about one run.

    Parameters
    ----------
    run : str
        The run.
    verdict : {"better", "worse", "no difference shown", "identical", "alone"}
        On all stars together, after correction for all comparisons.
    headline : str
        One sentence: the verdict and by how much.
    details : tuple of str
        Further sentences.
    """

    run: str
    verdict: Literal["better", "worse", "no difference shown", "identical", "alone"]
    headline: str
    details: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join([self.headline, *self.details])


def number(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """Write a number for people.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Digits behind the point.
    sign : bool
        Show the sign of positive numbers too.

    Returns
    -------
    str
        The number with a real minus sign; a dash where it is not known.
    """
    if not math.isfinite(value):
        return "–"
    value = 0.0 if round(value, digits) == 0 else value  # no minus before a zero
    text = f"{value:+.{digits}f}" if sign and value else f"{value:.{digits}f}"
    return text.replace("-", "−")


def interval(row: Any, digits: int = 2, *, sign: bool = False, scale: float = 1.0) -> str:
    """Write the value or difference of a row with its interval.

    Parameters
    ----------
    row : object
        A row of a summary.
    digits : int
        Digits behind the point.
    sign : bool
        Show the sign of positive numbers too.
    scale : float
        Multiplies all three, 100 for per cent.

    Returns
    -------
    str
        "value [low, high]", or the value alone where there is no interval.
    """
    value = row.difference if hasattr(row, "difference") else row.value
    middle, low, high = (number(scale * end, digits, sign=sign) for end in (value, row.low, row.high))
    return middle if low == "–" else f"{middle} [{low}, {high}]"


def method_sentence(plan: Plan) -> str:
    """Say how periods were found, and what counts as none.

    Parameters
    ----------
    plan : Plan
        What was asked.

    Returns
    -------
    str
        A sentence.
    """
    level = FALSE_ALARM_LEVEL[plan.method]
    none = (
        f"one that noise would show with a probability above {level:g} counts as none"
        if plan.method == "harmonic"
        else f"one that is stated with less than {1.0 - level:g} counts as none"
    )
    return f"Periods are those of {METHOD_WORDS[plan.method]}; {none}."


def answers(result: Comparison) -> list[Answer]:
    """Say in words what was found.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    list of Answer
        One for each run but the reference.
    """
    reference = result.runs[0].name
    if len(result.runs) == 1:
        text = f"Only {reference} could be used: there is nothing to compare it with."
        return [Answer(run=reference, verdict="alone", headline=text)]
    return [_answer(result, run.name) for run in result.runs[1:]]


def _answer(result: Comparison, run: str) -> Answer:
    reference, last = result.runs[0].name, result.plan.years[-1]
    differences, values = result.summary.differences, result.summary.values
    mine = select(differences, run=run)
    fractions = select(mine, metric=HEADLINE)
    if (fractions["difference"] == 0.0).all():
        same = f"{run} and {reference} recover exactly the same periods."
        # Equal periods do not make equal classes.
        return Answer(run=run, verdict="identical", headline=same, details=tuple(_told_apart(result, run)))
    at_end = select(overall(mine, HEADLINE), year=last).iloc[0]
    share = overall(select(values, footprint="common", year=last), HEADLINE)
    ours, theirs = (select(share, run=name).iloc[0].value for name in (run, reference))
    shares = (
        f"After {last:g} yr {number(100.0 * ours, 1)} % of the stars have their period, against "
        f"{number(100.0 * theirs, 1)} % in {reference}: "
        f"{interval(at_end, 1, sign=True, scale=100.0)} percentage points."
    )
    # With a single year the time until a period is found cannot be told from whether it is.
    timed = len(result.plan.years) > 1
    whole = overall(mine, YEARS_WITHOUT).iloc[0] if timed else at_end
    headline = _headline(run, reference, whole, timed=timed)
    parts = fractions[fractions["star_class"] != ALL_CLASSES]
    told = _told_apart(result, run)
    several = len(result.plan.groups) > 1 or timed
    return Answer(
        run=run,
        verdict=whole.verdict,
        headline=headline,
        details=(shares, *(_parts(parts) if several else ()), *told),
    )


def _headline(run: str, reference: str, whole: Any, *, timed: bool) -> str:
    """Say the verdict on all stars together, and by how much."""
    if whole.verdict == "no difference shown":
        headline = f"{run}: no difference to {reference} shown for all stars together"
        gap = interval(whole, sign=True)
        return headline + (f"; the mean time without a period differs by {gap} yr." if timed else ".")
    if not timed:
        return f"{run} is {whole.verdict} than {reference} for all stars together."
    # More years without a period are worse; what is gained or lost is given as it is.
    sign, side = (-1.0, "sooner") if whole.verdict == "better" else (1.0, "later")
    low, high = sorted((sign * whole.low, sign * whole.high))
    return (
        f"{run} is {whole.verdict} than {reference}: on average a star has its period "
        f"{number(sign * whole.difference)} yr {side} [{number(low)}, {number(high)}]."
    )


def pair_answers(result: Comparison) -> list[Answer]:
    """Say how the runs that are not the reference compare with each other.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    list of Answer
        One for each pair, on all stars together; none for fewer than three runs.
    """
    last, timed = result.plan.years[-1], len(result.plan.years) > 1
    found = []
    for (run, reference), rows in result.summary.pairs.groupby(["run", "reference"], sort=False):
        at_end = select(rows, metric=HEADLINE, year=last).iloc[0]
        whole = select(rows, metric=YEARS_WITHOUT).iloc[0] if timed else at_end
        gap = interval(at_end, 1, sign=True, scale=100.0)
        text = f"The share of stars with their period after {last:g} yr differs by {gap} percentage points."
        headline = _headline(str(run), str(reference), whole, timed=timed)
        found.append(Answer(run=str(run), verdict=whole.verdict, headline=headline, details=(text,)))
    return found


def _told_apart(result: Comparison, run: str) -> list[str]:
    """Say how well the stars are told apart, where that was asked and is known."""
    reference, last = result.runs[0].name, result.plan.years[-1]
    scores = {"metric": MACRO_F1.name, "year": last}
    values = select(result.summary.values, footprint="common", **scores)
    if values.empty:
        return []
    ours, theirs = (select(values, run=name).iloc[0].value for name in (run, reference))
    gap = select(result.summary.differences, run=run, **scores).iloc[0]
    if not math.isfinite(gap.difference):
        return []
    sure = gap.verdict if gap.verdict in ("better", "worse") else "no difference shown"
    shown = interval(gap, 3, sign=True)
    text = f"Told apart after {last:g} yr: macro-F1 {number(ours, 3)}, against {number(theirs, 3)}"
    return [f"{text}; {shown} ({sure})."]


def _parts(rows: pd.DataFrame) -> list[str]:
    """Say for which classes, magnitudes and years the recovered fraction differs."""
    lines = []
    for word in ("better", "worse"):
        sure = select(rows, verdict=word)
        if len(sure):
            lines.append(
                f"Significantly {word} in {len(sure)} of {len(rows)} combinations of class, "
                f"magnitude and year ({_list_years(sure)})."
            )
    largest = rows.loc[rows["difference"].abs().idxmax()]
    gap = interval(largest, 1, sign=True, scale=100.0)
    known = "" if largest["verdict"] in ("better", "worse") else ", not significant"
    lines.append(
        f"Largest difference: {gap} % of the stars ({largest['star_class']}, r = "
        f"{largest['magnitude']:g}, after {largest['year']:g} yr{known})."
    )
    return lines


def _list_years(rows: pd.DataFrame) -> str:
    parts = []
    for star_class, mine in rows.groupby("star_class", sort=False):
        years = ", ".join(f"{year:g}" for year in sorted(set(mine["year"])))
        parts.append(f"{star_class} after {years} yr")
    return "; ".join(parts)

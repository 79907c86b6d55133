"""Recovery against what it depends on: survey year, magnitude, period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from astropy.stats import binom_conf_interval

from pelsvae_cadence.metrics.comparison.quantities import HEADLINE
from pelsvae_cadence.metrics.comparison.report.drawing import (
    MOST_PANELS,
    Picture,
    legend_below,
    line_with_interval,
    panels_of,
    plain_period_ticks,
    run_style,
    telling_year,
    years_in_words,
)

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["recovery_by_magnitude", "recovery_by_period", "recovery_by_year"]

_PERIOD_BINS: Final = 5


def _common_values(result: Comparison, **where: Any) -> pd.DataFrame:
    rows = result.summary.values
    for column, value in {"metric": HEADLINE, "footprint": "common", **where}.items():
        rows = rows[rows[column] == value]
    return rows


def recovery_by_year(result: Comparison) -> Picture:
    """Draw how early stars have their period, one panel a class and magnitude.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    Picture
        The picture.
    """
    groups = result.plan.groups[:MOST_PANELS]
    figure, panels = panels_of(len(groups))
    last = []
    for axes, group in zip(panels, groups, strict=True):
        for k, run in enumerate(result.runs):
            rows = _common_values(
                result, run=run.name, star_class=group.star_class, magnitude=group.magnitude
            )
            line_with_interval(axes, rows, "year", k, run.name, percent=True)
            last.append(f"{group.label}, {run.name}: {rows['value'].iloc[-1]:.2f}")
        axes.set_title(group.label, fontsize=10)
        axes.set_xlabel("survey year")
        axes.set_ylim(-3.0, 103.0)
        axes.set_xlim(left=0.0)
        axes.grid(color="0.92")
    panels[0].set_ylabel("stars with their period [%]")
    legend_below(figure, panels[0], len(result.runs))
    left_out = len(result.plan.groups) - len(groups)
    return Picture(
        name="recovery_by_year",
        short="Years",
        heading="How early?",
        caption=(
            "Stars with their period after each survey year, over the common footprint; bands are "
            "95 % intervals." + (f" {left_out} further groups are in the table." if left_out else "")
        ),
        text="Recovered fraction against survey year. At the end: " + "; ".join(last) + ".",
        figure=figure,
    )


def recovery_by_magnitude(result: Comparison) -> Picture:
    """Draw for how faint stars periods are found, one panel a class.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    Picture
        The picture.
    """
    classes = result.plan.star_classes[:MOST_PANELS]
    year = result.plan.years[telling_year(result)]
    figure, panels = panels_of(len(classes))
    ends = []
    for axes, star_class in zip(panels, classes, strict=True):
        for k, run in enumerate(result.runs):
            rows = _common_values(result, run=run.name, star_class=star_class, year=year).sort_values(
                "magnitude"
            )
            line_with_interval(axes, rows, "magnitude", k, run.name, percent=True)
            ends.append(f"{star_class}, {run.name}: {rows['value'].iloc[-1]:.2f}")
        axes.set_title(star_class, fontsize=10)
        axes.set_xlabel("mean r [mag]")
        axes.set_xticks(result.plan.magnitudes)
        axes.set_ylim(-3.0, 103.0)
        axes.grid(color="0.92")
    panels[0].set_ylabel("stars with their period [%]")
    legend_below(figure, panels[0], len(result.runs))
    return Picture(
        name="recovery_by_magnitude",
        short="Magnitudes",
        heading="For how faint stars?",
        caption=f"Stars with their period after {years_in_words(year)} (where the runs differ most) "
        "against mean magnitude, common footprint; bands are 95 % intervals.",
        text="Recovered fraction against magnitude. For the faintest stars: " + "; ".join(ends) + ".",
        figure=figure,
    )


def recovery_by_period(result: Comparison) -> Picture:
    """Draw for which periods stars are recovered, one panel a class.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    Picture
        The picture.
    """
    plan = result.plan
    classes = plan.star_classes[:MOST_PANELS]
    y = telling_year(result)
    figure, panels = panels_of(len(classes))
    for axes, star_class in zip(panels, classes, strict=True):
        chosen = [g for g, group in enumerate(plan.groups) if group.star_class == star_class]
        for k, run in enumerate(result.outcomes):
            period = run.true_period[result.summary.common][:, chosen].ravel()
            found = run.outcome[result.summary.common][:, chosen, y, :, 0].ravel()
            order = np.argsort(period)
            bins = np.array_split(order, min(_PERIOD_BINS, order.size))
            centre = np.array([np.exp(np.mean(np.log(period[rows]))) for rows in bins])
            hits = np.array([int(found[rows].sum()) for rows in bins])
            n = np.array([rows.size for rows in bins])
            low, high = binom_conf_interval(hits, n, interval="wilson")
            style = run_style(k)
            axes.plot(centre, 100.0 * hits / n, label=run.name, markersize=5, linewidth=1.6, **style)
            axes.fill_between(
                centre, 100.0 * low, 100.0 * high, color=style["color"], alpha=0.13, linewidth=0
            )
        axes.set_xscale("log")
        axes.set_title(star_class, fontsize=10)
        axes.set_xlabel("true period [d]")
        axes.set_ylim(-3.0, 103.0)
        axes.grid(color="0.92")
        plain_period_ticks(axes)
    panels[0].set_ylabel("stars with their period [%]")
    legend_below(figure, panels[0], len(result.outcomes))
    return Picture(
        name="recovery_by_period",
        short="Periods",
        heading="For which periods?",
        caption=(
            f"Stars with their period after {years_in_words(plan.years[y])} (where the runs differ most) in "
            "bins of equally many stars; bands are 68 % intervals of Wilson (1927)."
        ),
        text=f"Recovered fraction against true period after {years_in_words(plan.years[y])}, one panel "
        "per class, one line per run.",
        figure=figure,
    )

"""The tables of the report, as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import jinja2

from pelsvae_cadence.metrics.comparison.quantities import CADENCE_QUANTITIES, HEADLINE
from pelsvae_cadence.metrics.comparison.report.answers import interval, method_sentence, number
from pelsvae_cadence.metrics.comparison.statistics.summary import (
    ALL_CLASSES,
    ALL_STARS,
    PRIMARY,
    SIGNIFICANCE,
    asked_beside,
    select,
)

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["all_tables", "environment"]

# Signs for those who do not see the colour.
_GLYPHS: Final = {"better": "▲", "worse": "▼"}
_SIGNS: Final = {"better": "▲ better", "worse": "▼ worse", "no difference shown": "– not shown"}

_TABLE: Final = """\
<div class="scroll" tabindex="0" role="region" aria-label="{{ caption }}">
<table><caption>{{ caption }}</caption>
<thead><tr>{% for name, kind in columns %}<th scope="col" class="{{ kind }}">{{ name }}</th>
{%- endfor %}</tr></thead>
<tbody>
{% for row in rows %}<tr>{% for cell, kind in row %}<td class="{{ kind }}">{{ cell }}</td>
{%- endfor %}</tr>
{% endfor %}</tbody></table></div>
"""

#: Of all templates of the report: everything is escaped, nothing may be missing.
environment: Final = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)


def _table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1) -> Any:
    """Make a table whose first columns are words; "better" and "worse" get their colour."""
    from markupsafe import Markup

    def kind(k: int, cell: str) -> str:
        if cell in (_SIGNS["better"], _SIGNS["worse"]):
            return cell.split()[-1] + " text nowrap"
        for word, glyph in _GLYPHS.items():
            if cell.startswith(glyph):
                return f"{word} nowrap"
        return "text" if k < text else "nowrap"

    html = environment.from_string(_TABLE).render(
        caption=caption,
        columns=[(name, "text" if k < text else "") for k, name in enumerate(columns)],
        rows=[[(cell, kind(k, cell)) for k, cell in enumerate(row)] for row in rows],
    )
    return Markup(html)  # every cell has been escaped by the template


def _probability(p: float) -> str:
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def all_tables(result: Comparison) -> dict[str, Any]:
    """Tabulate all numbers of a comparison.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    dict of str to object
        "reading": how differences, intervals and verdicts come about; "headline": the table of
        recovered stars; "tables": names and tables of everything else; "made": what was run.
    """
    tables = [
        ("Common and own footprints", _footprint_table(result)),
        ("What the visits are like", _cadence_table(result)),
    ]
    tables += [
        (f"{run.name}: all differences after {year:g} yr", _difference_table(result, run.name, year))
        for run in result.runs[1:]
        for year in result.plan.years
    ]
    return {
        "reading": _how_to_read(result),
        "headline": _headline_table(result),
        "tables": tables,
        "made": _made_table(result),
    }


def _how_to_read(result: Comparison) -> str:
    tested = result.summary.differences[result.summary.differences["p"].notna()]
    n_first = int(tested["metric"].isin(PRIMARY).sum())
    n_further = int(tested["metric"].isin(asked_beside(result.further)).sum())
    apart = f", {n_further} of further metrics" if n_further else ""
    common = int(result.summary.common.sum())
    unit = (
        "positions with all their stars are resampled"
        if result.summary.unit == "positions"
        else f"with {common} common position{'s' * (common != 1)}, stars within positions are "
        "resampled, and the answer holds for these positions alone"
    )
    others = (
        "The sentences on the other runs among each other are corrected among themselves. "
        if len(result.runs) > 2
        else ""
    )
    return (
        f"Differences are paired star by star over the {common} positions that all runs observe. "
        f"Square brackets are 95 % bootstrap intervals ({unit}); a difference is called better or "
        f"worse where the sign-flip test, corrected for its {n_first} fellow comparisons of the "
        f"recovered fraction and the years without a period ({len(tested) - n_first - n_further} of all other "
        f"quantities{apart}) "
        f"by Benjamini & Hochberg (1995), gives less than {SIGNIFICANCE:g}. The time without a period "
        "of all stars together, on which the answer rests, is corrected for the number of runs "
        f"alone. {others}“Not shown” does not mean “equal”: look at the interval."
    )


def _headline_table(result: Comparison) -> Any:
    """Tabulate the recovered stars by class, magnitude and year, with differences."""
    values = select(result.summary.values, metric=HEADLINE, footprint="common")
    differences = select(result.summary.differences, metric=HEADLINE)
    columns = ["class", "mean r", "year", result.runs[0].name]
    for run in result.runs[1:]:
        columns += [run.name, "difference"]
    rows = []
    stars = [
        (group.star_class, f"{group.magnitude:g}", {"magnitude": group.magnitude})
        for group in result.plan.groups
    ]
    if len(stars) > 1:
        stars.insert(0, (ALL_CLASSES, "all", {}))
    for star_class, magnitude, where in stars:
        for year in result.plan.years:
            key = {"star_class": star_class, "year": year, **where}
            row = [star_class, magnitude, f"{year:g}"]
            for k, run in enumerate(result.runs):
                row.append(interval(select(values, run=run.name, **key).iloc[0], 1, scale=100.0))
                if k:
                    other = select(differences, run=run.name, **key).iloc[0]
                    gap = interval(other, 1, sign=True, scale=100.0)
                    row.append(f"{_GLYPHS.get(other.verdict, '')} {gap}".strip())
            rows.append(row)
    caption = (
        "Stars with their period, in % of all, over the common footprint, and differences to "
        f"{result.runs[0].name}: ▲ significantly better, ▼ significantly worse"
    )
    return _table(caption, columns, rows)


def _stars_of(row: Any) -> str:
    if row.star_class == ALL_STARS:
        return ""
    if row.star_class == ALL_CLASSES:
        return "all"
    if math.isnan(row.magnitude):
        return str(row.star_class)
    return f"{row.star_class} r = {row.magnitude:g}"


def _difference_table(result: Comparison, run: str, year: float) -> Any:
    """Tabulate all differences of one run after one year."""
    rows = select(result.summary.differences, run=run, year=year)
    cells = [
        [
            row.metric.replace("_", " "),
            _stars_of(row),
            interval(row, 3, sign=True),
            row.unit,
            f"{row.better} is better",
            _probability(row.p),
            _probability(row.p_adjusted),
            _SIGNS.get(row.verdict, "–"),
        ]
        for row in rows[rows["better"] != "neither"].itertuples()
    ]
    caption = f"{run} minus {result.runs[0].name} after {year:g} yr"
    return _table(
        caption,
        ["quantity", "stars", "difference", "unit", "direction", "p", "p corrected", "verdict"],
        cells,
        text=2,
    )


def _footprint_table(result: Comparison) -> Any:
    """Tabulate the recovered fractions over the common and each run's own footprint."""
    year = result.plan.years[-1]
    values = select(result.summary.values, metric=HEADLINE, year=year)
    rows = []
    for group in result.plan.groups:
        stars = select(values, star_class=group.star_class, magnitude=group.magnitude)
        for run in result.runs:
            row = [group.label, run.name]
            for footprint in ("common", "own"):
                mine = select(stars, run=run.name, footprint=footprint).iloc[0]
                row += [interval(mine), f"{mine.n_positions}"]
            rows.append(row)
    return _table(
        f"Recovered fraction after {year:g} yr over the common footprint and over each run's "
        "own: a mean over its own flatters a run that observes less of the sky",
        ["stars", "run", "common footprint", "positions", "own footprint", "positions"],
        rows,
        text=2,
    )


def _cadence_table(result: Comparison) -> Any:
    """Tabulate what the visits are like."""
    values = select(result.summary.values, footprint="common")
    rows = []
    for quantity in CADENCE_QUANTITIES:
        for run in result.runs:
            mine = select(values, run=run.name, metric=quantity.name)["value"]  # one a year
            unit = f" [{quantity.unit}]" if quantity.unit else ""
            shown = (number(value, 2 if value < 100 else 0) for value in mine)
            rows.append([quantity.caption + unit, run.name, *shown])
    return _table(
        "What the visits are like: means over the common footprint",
        ["quantity", "run", *(f"year {year:g}" for year in result.plan.years)],
        rows,
        text=2,
    )


def _made_table(result: Comparison) -> Any:
    """Tabulate what was run: command, seeds, versions, model, tables."""
    plan, settings = result.plan, result.settings
    groups = ", ".join(group.label for group in plan.groups)
    where = f"HEALPix map, nside {plan.nside}" if plan.nside is not None else f"{len(plan.sky)} positions"
    rows = [
        ["command", settings["command"] or "–"],
        ["where", where],
        ["stars", f"{plan.stars_per_position} per position of each of {groups}"],
        ["survey years", ", ".join(f"{year:g}" for year in plan.years)],
        ["periods", method_sentence(plan)],
        ["seed", f"{plan.seed} (stars, phases, noise, synthetic surveys, resampling)"],
        ["source model", f"{settings['model']['name']}, sha256 {settings['model']['sha256']}"],
        ["versions", ", ".join(f"{name} {v}" for name, v in settings["versions"].items())],
    ]
    for run in settings["runs"]:
        files = "; ".join(f"{name} sha256 {value}" for name, value in run["sha256"].items())
        role = "reference" if run["name"] == settings["reference"] else "run"
        rows.append([f"{role} {run['name']}", "; ".join(filter(None, [run["survey"], files]))])
    return _table("Settings", ["", ""], rows, text=2)

"""The report: one HTML file with pictures, tables and downloads inside, and no network."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2
import pandas as pd

from pelsvae_cadence.files import replacing
from pelsvae_cadence.metrics.comparison.example_star import example_pictures
from pelsvae_cadence.metrics.comparison.pictures import Picture, pictures
from pelsvae_cadence.metrics.comparison.quantities import (
    CADENCE_QUANTITIES,
    HEADLINE,
    YEARS_WITHOUT,
)
from pelsvae_cadence.metrics.comparison.summary import ALL_STARS, PRIMARY, SIGNIFICANCE

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.compare_runs import Comparison

__all__ = ["answers", "write_report"]

_DPI: Final = 115
# Larger tables are named instead of embedded: a report should open at once.
_MOST_EMBEDDED: Final = 3_000_000
# Pictures wider than this (pixels) may be scrolled sideways on a phone instead of shrunk to it.
_WIDE: Final = 900
_SIGNS: Final = {"better": "▲ better", "worse": "▼ worse", "no difference shown": "– not shown"}

_TEMPLATE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>
:root { --ink: #1a1c20; --soft: #555b66; --line: #d9dce1; --paper: #fff; --tint: #f4f6f8;
  --link: #00599d; --good: #00603f; --bad: #a63603; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  color: var(--ink); background: var(--paper); }
main, header, nav, footer { max-width: 1120px; margin: 0 auto; padding: 0 1.1rem; }
header { padding-top: 1.6rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .5rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible {
  outline: 3px solid #e69f00; outline-offset: 2px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .4rem .8rem; z-index: 2; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; padding: .7rem 0; margin: .8rem 0 0;
  list-style: none; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
nav a { display: inline-block; padding: .15rem 0; }
.answer { border-left: 4px solid var(--link); background: var(--tint); padding: .6rem 1rem;
  margin: 1rem 0; }
.answer li { margin: .3rem 0; }
.answer ul { margin: 0; padding-left: 1.1rem; }
.warning { border-left: 4px solid var(--bad); background: #fdf3ee; padding: .6rem 1rem;
  margin: 1rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .3rem 0; }
th, td { padding: .28rem .7rem .28rem 0; text-align: right; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; }
th.text, td.text { text-align: left; }
td.better { color: var(--good); font-weight: 600; }
td.worse { color: var(--bad); font-weight: 600; }
td.nowrap { white-space: nowrap; }
td.code, code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .84em;
  overflow-wrap: anywhere; }
figure { margin: .6rem 0 0; }
figure img { display: block; max-width: 100%; height: auto; }
@media (max-width: 760px) { figure .scroll.wide img { max-width: none; width: 780px; } }
figcaption { color: var(--soft); font-size: .9rem; max-width: 46rem; padding-top: .3rem; }
details { margin: .7rem 0; }
summary { cursor: pointer; color: var(--link); padding: .25rem 0; }
.downloads { padding-left: 1.1rem; }
footer { color: var(--soft); font-size: .85rem; padding: 2.5rem 1.1rem 2rem; }
@media print { nav, .skip { display: none; } figure, tr { break-inside: avoid; } }
</style>
</head>
<body>
<a class="skip" href="#content">Skip to the results</a>
<header>
<h1>{{ title }}</h1>
<p>{{ subtitle }}</p>
</header>
<nav aria-label="Sections"><ul>
{% for anchor, name in sections %}<li><a href="#{{ anchor }}">{{ name }}</a></li>
{% endfor %}</ul></nav>
<main id="content">
{% for name, reason in failures %}<div class="warning" role="note"><p><strong>{{ name }} was not
compared:</strong> {{ reason }}</p></div>
{% endfor %}
<section aria-labelledby="answer"><h2 id="answer">The answer</h2>
<div class="answer"><ul>
{% for line in answers %}<li>{{ line }}</li>
{% endfor %}</ul></div>
<p>{{ reading }}</p>
{{ headline }}
</section>
{% for picture in pictures %}<section aria-labelledby="{{ picture.name }}">
<h2 id="{{ picture.name }}">{{ picture.heading }}</h2>
<figure><div class="scroll{% if picture.wide %} wide{% endif %}"
{%- if picture.wide %} tabindex="0" role="region" aria-label="{{ picture.heading }}: picture"{% endif %}>
<img src="data:image/png;base64,{{ picture.data }}" alt="{{ picture.text }}"
 width="{{ picture.width }}" height="{{ picture.height }}"></div>
<figcaption>{{ picture.caption }}
<a download="{{ picture.name }}.png" href="data:image/png;base64,{{ picture.data }}"
 aria-label="Download the picture {{ picture.name }}">PNG</a></figcaption></figure>
</section>
{% endfor %}
<section aria-labelledby="tables"><h2 id="tables">All numbers</h2>
{% for name, table in tables %}<details><summary>{{ name }}</summary>{{ table }}</details>
{% endfor %}</section>
<section aria-labelledby="made"><h2 id="made">What was run</h2>
{{ made }}
</section>
<section aria-labelledby="downloads"><h2 id="downloads">Downloads</h2>
<p>Inside this file:</p>
<ul class="downloads">
{% for name, text, uri in downloads %}<li><a download="{{ name }}" href="{{ uri }}">{{ name }}</a>:
{{ text }}</li>
{% endfor %}</ul>
<p>Beside it in the output folder:</p>
<ul class="downloads">
{% for path, text in beside %}<li><code>{{ path }}</code>: {{ text }}</li>
{% endfor %}</ul>
</section>
</main>
<footer>Made by pelsvae_cadence {{ version }}. The stars are simulated: every run observes the same
ones, with the same phases and noise seeds.</footer>
</body>
</html>
"""

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

_environment: Final = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)


def _table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, text: int = 1
) -> Any:
    """Make a table whose first columns are words; "better" and "worse" get their colour."""
    from markupsafe import Markup

    def kind(k: int, cell: str) -> str:
        if cell in (_SIGNS["better"], _SIGNS["worse"]):
            return cell.split()[-1] + " text nowrap"
        return "text" if k < text else "nowrap"

    html = _environment.from_string(_TABLE).render(
        caption=caption,
        columns=[(name, "text" if k < text else "") for k, name in enumerate(columns)],
        rows=[[(cell, kind(k, cell)) for k, cell in enumerate(row)] for row in rows],
    )
    return Markup(html)  # every cell has been escaped by the template


def _number(value: float, digits: int = 2, sign: bool = False) -> str:
    if not math.isfinite(value):
        return "–"
    value = 0.0 if round(value, digits) == 0 else value  # no minus before a zero
    text = f"{value:+.{digits}f}" if sign and value else f"{value:.{digits}f}"
    return text.replace("-", "−")


def _interval(row: Any, value: float, *, sign: bool = False, digits: int = 2) -> str:
    low, high = _number(row.low, digits, sign), _number(row.high, digits, sign)
    middle = _number(value, digits, sign)
    return middle if low == "–" else f"{middle} [{low}, {high}]"


def _probability(p: float) -> str:
    if not math.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def answers(result: Comparison) -> list[str]:
    """Say in words what was found.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    list of str
        A sentence or two per run.
    """
    table = result.summary.differences
    reference = result.runs[0].name
    if table.empty:
        return [f"Only {reference} could be used: there is nothing to compare it with."]
    lines = []
    for run in result.runs[1:]:
        rows = table[(table["run"] == run.name) & (table["metric"] == HEADLINE)]
        better, worse = rows[rows["verdict"] == "better"], rows[rows["verdict"] == "worse"]
        largest = rows.loc[rows["difference"].abs().idxmax()]
        where = f"{largest.star_class}, r = {largest.magnitude:g}, after {largest.year:g} yr"
        gap = _interval(largest, largest.difference, sign=True)
        if (rows["difference"] == 0.0).all():
            text = f"{run.name} and {reference} recover exactly the same periods."
        elif not len(better) and not len(worse):
            text = (
                f"{run.name}: no significant difference to {reference} in the fraction of "
                f"recovered periods. The largest is {gap} ({where})."
            )
        else:
            sides = [
                f"significantly {word} in {len(part)} of {len(rows)} combinations of class, "
                f"magnitude and year ({_list_years(part)})"
                for word, part in (("better", better), ("worse", worse))
                if len(part)
            ]
            text = (
                f"{run.name} against {reference}: recovers periods {' and '.join(sides)}. The "
                f"largest difference of the recovered fraction is {gap} ({where})."
            )
        lines.append(text)
        time = table[(table["run"] == run.name) & (table["metric"] == YEARS_WITHOUT)]
        sure = time[time["verdict"].isin(["better", "worse"])]
        if len(sure):
            parts = [
                f"{row.star_class} r = {row.magnitude:g} {_interval(row, row.difference, sign=True)}"
                for row in sure.itertuples()
            ]
            lines.append(
                f"{run.name}: years that a star is without a period change significantly for "
                + "; ".join(parts) + " yr."
            )  # fmt: skip
    return lines


def _list_years(rows: pd.DataFrame) -> str:
    parts = []
    for star_class, mine in rows.groupby("star_class", sort=False):
        years = ", ".join(f"{year:g}" for year in sorted(set(mine["year"])))
        parts.append(f"{star_class} after {years} yr")
    return "; ".join(parts)


def _reading(result: Comparison) -> str:
    tested = result.summary.differences[result.summary.differences["p"].notna()]
    n, n_first = len(tested), int(tested["metric"].isin(PRIMARY).sum())
    common = int(result.summary.common.sum())
    unit = (
        "positions with all their stars are resampled"
        if result.summary.unit == "positions"
        else f"with {common} common position{'s' * (common != 1)}, stars within positions are "
        "resampled, and the answer holds for these positions alone"
    )
    return (
        f"Differences are paired star by star over the {common} positions that all runs observe. "
        f"Square brackets are 95 % bootstrap intervals ({unit}); a difference is called better or "
        f"worse where the sign-flip test, corrected for its {n_first} fellow comparisons of the "
        f"recovered fraction and the years without a period ({n - n_first} of all other quantities) "
        f"by Benjamini & Hochberg (1995), gives less than {SIGNIFICANCE:g}. “Not shown” does not "
        "mean “equal”: look at the interval."
    )


def _headline_table(result: Comparison) -> Any:
    values, differences = result.summary.values, result.summary.differences
    values = values[(values["metric"] == HEADLINE) & (values["footprint"] == "common")]
    columns = ["class", "mean r", "year", result.runs[0].name]
    for run in result.runs[1:]:
        columns += [run.name, "difference", "verdict"]
    rows = []
    for group in result.plan.groups:
        for year in result.plan.years:
            key = {"star_class": group.star_class, "magnitude": group.magnitude, "year": year}
            row = [group.star_class, f"{group.magnitude:g}", f"{year:g}"]
            for k, run in enumerate(result.runs):
                mine = _only(values, run=run.name, **key)
                row.append(_interval(mine, mine.value))
                if k:
                    other = _only(differences, run=run.name, metric=HEADLINE, **key)
                    row += [_interval(other, other.difference, sign=True), _SIGNS[other.verdict]]
            rows.append(row)
    caption = "Fraction of stars whose period is recovered, common footprint"
    return _table(caption, columns, rows)


def _only(frame: pd.DataFrame, **where: Any) -> Any:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return next(frame.itertuples())


def _difference_table(result: Comparison, run: str, year: float) -> Any:
    table = result.summary.differences
    rows = table[(table["run"] == run) & (table["year"] == year) & (table["better"] != "neither")]
    cells = [
        [row.metric.replace("_", " "),
         "" if row.star_class == ALL_STARS else f"{row.star_class} r = {row.magnitude:g}",
         _interval(row, row.difference, sign=True, digits=3), row.unit,
         f"{row.better} is better", _probability(row.p), _probability(row.p_adjusted),
         _SIGNS[row.verdict]]
        for row in rows.itertuples()
    ]  # fmt: skip
    caption = f"{run} minus {result.runs[0].name} after {year:g} yr"
    return _table(
        caption,
        ["quantity", "stars", "difference", "unit", "direction", "p", "p corrected", "verdict"],
        cells,
        text=2,
    )


def _footprint_table(result: Comparison) -> Any:
    values = result.summary.values
    year = result.plan.years[-1]
    rows = []
    for group in result.plan.groups:
        for run in result.runs:
            row = [group.label, run.name]
            for footprint in ("common", "own"):
                mine = _only(
                    values, run=run.name, footprint=footprint, metric=HEADLINE,
                    star_class=group.star_class, magnitude=group.magnitude, year=year,
                )  # fmt: skip
                row += [_interval(mine, mine.value), f"{mine.n_positions}"]
            rows.append(row)
    return _table(
        f"Recovered fraction after {year:g} yr over the common footprint and over each run's "
        "own: a mean over its own flatters a run that observes less of the sky",
        ["stars", "run", "common footprint", "positions", "own footprint", "positions"],
        rows,
        text=2,
    )


def _cadence_table(result: Comparison) -> Any:
    values = result.summary.values
    rows = []
    for quantity in CADENCE_QUANTITIES:
        for run in result.runs:
            row = [f"{quantity.caption}{f' [{quantity.unit}]' if quantity.unit else ''}", run.name]
            for year in result.plan.years:
                mine = _only(
                    values, run=run.name, footprint="common", metric=quantity.name, year=year
                )
                row.append(_number(mine.value, 2 if mine.value < 100 else 0))
            rows.append(row)
    return _table(
        "What the visits are like: means over the common footprint",
        ["quantity", "run", *(f"year {year:g}" for year in result.plan.years)],
        rows,
        text=2,
    )


def _made_table(result: Comparison) -> Any:
    plan, settings = result.plan, result.settings
    where = (
        f"HEALPix map, nside {plan.nside}"
        if plan.nside is not None
        else f"{len(plan.sky)} positions"
    )
    rows = [
        ["command", settings["command"] or "–"],
        ["where", where],
        ["stars", (f"{plan.stars_per_position} per position of each of "
                   f"{', '.join(group.label for group in plan.groups)}")],
        ["survey years", ", ".join(f"{year:g}" for year in plan.years)],
        ["seed", f"{plan.seed} (stars, phases, noise, synthetic surveys, resampling)"],
        ["source model", f"{settings['model']['name']}, sha256 {settings['model']['sha256']}"],
        ["versions", ", ".join(f"{name} {v}" for name, v in settings["versions"].items())],
    ]  # fmt: skip
    for run in settings["runs"]:
        files = "; ".join(f"{name} sha256 {value}" for name, value in run["sha256"].items())
        role = "reference" if run["name"] == settings["reference"] else "run"
        rows.append([f"{role} {run['name']}", "; ".join(filter(None, [run["survey"], files]))])
    return _table("Settings", ["", ""], rows, text=2)


def _embedded(picture: Picture) -> dict[str, Any]:
    buffer = io.BytesIO()
    picture.figure.savefig(buffer, format="png", dpi=_DPI)
    width, height = (round(_DPI * size) for size in picture.figure.get_size_inches())
    return {
        "name": picture.name, "short": picture.short, "heading": picture.heading, "caption": picture.caption,
        "text": picture.text, "width": width, "height": height, "wide": width > _WIDE,
        "data": base64.b64encode(buffer.getvalue()).decode(),
    }  # fmt: skip


def _uri(text: str, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def write_report(result: Comparison, path: Path) -> None:
    """Write the report.

    Parameters
    ----------
    result : Comparison
        The comparison.
    path : Path
        The file.
    """
    plan, settings = result.plan, result.settings
    shown = [_embedded(picture) for picture in pictures(result)]
    shown += [_embedded(picture) for picture in example_pictures(result)]
    tables = [("Common and own footprints", _footprint_table(result))]
    tables.append(("What the visits are like", _cadence_table(result)))
    for run in result.runs[1:]:
        for year in plan.years:
            tables.append(
                (f"{run.name}: all differences after {year:g} yr",
                 _difference_table(result, run.name, year))
            )  # fmt: skip
    files = {
        "summary.csv": (result.summary.values.to_csv(index=False), "text/csv",
                        "every value: run × metric × class × magnitude × year, both footprints"),
        "differences.csv": (result.summary.differences.to_csv(index=False), "text/csv",
                            "every difference with its interval and probabilities"),
        "settings.json": (json.dumps(settings, indent=2), "application/json",
                          "command, seeds, versions, model and tables"),
    }  # fmt: skip
    stars = pd.read_parquet(result.files["stars"]).to_csv(index=False)
    if len(stars) <= _MOST_EMBEDDED:
        files["stars.csv"] = (stars, "text/csv", "true and found period of every star")
    beside = [("stars.parquet", "true and found period of every star in every run and year"),
              ("summary.parquet, summary.h5", "the tables for other programs")]  # fmt: skip
    for name, place in result.files.items():
        if place.is_dir():
            what = f"MAF's results of {name.removeprefix('maf ')}: npz files and ResultsDb, for show_maf"
            beside.append((f"maf/{place.name}/", what))
    beside.append(("maf/maf_summary.h5, maf/metric_subsets.json, maf/run_families.json",
                   "for rubin_sim's run_comparison"))  # fmt: skip
    names = [run.name for run in result.runs]
    html = _environment.from_string(_TEMPLATE).render(
        title="Observing strategies compared",
        subtitle=(
            f"{' · '.join(names)}. {', '.join(plan.star_classes)} at r = "
            f"{', '.join(f'{m:g}' for m in plan.magnitudes)}, {plan.stars_per_position} stars a "
            f"position, {int(result.summary.common.sum())} common positions."
        ),
        sections=[("answer", "Answer"), *((p["name"], p["short"]) for p in shown),
                  ("tables", "Numbers"), ("made", "What was run"), ("downloads", "Downloads")],
        failures=list(result.failures.items()),
        answers=answers(result),
        reading=_reading(result),
        headline=_headline_table(result),
        pictures=shown,
        tables=tables,
        made=_made_table(result),
        downloads=[(name, text, _uri(content, kind)) for name, (content, kind, text) in files.items()],
        beside=beside,
        version=settings["versions"]["pelsvae-cadence"],
    )  # fmt: skip
    with replacing(path) as partial:
        partial.write_text(html, encoding="utf-8")

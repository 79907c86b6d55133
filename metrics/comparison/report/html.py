"""The report: one HTML file with pictures, tables and downloads inside, and no network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.metrics.comparison.report.answers import answers, method_sentence, pair_answers
from pelsvae_cadence.metrics.comparison.report.drawing import Picture
from pelsvae_cadence.metrics.comparison.report.example_star import example_pictures
from pelsvae_cadence.metrics.comparison.report.pictures import pictures
from pelsvae_cadence.metrics.comparison.report.tables import all_tables, environment

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["write_report"]

_DPI: Final = 115
# Larger tables are named instead of embedded: a report should open at once.
_MOST_EMBEDDED: Final = 3_000_000
# Pictures wider than this (pixels) may be scrolled sideways on a phone instead of shrunk to it.
_WIDE: Final = 900

_GLYPHS: Final = {"better": "▲", "worse": "▼", "no difference shown": "≈", "identical": "=", "alone": ""}

_DOWNLOADS: Final = {
    "summary.csv": "every value: run × metric × class × magnitude × year, both footprints",
    "differences.csv": "every difference with its interval and probabilities",
    "settings.json": "command, seeds, versions, model and tables",
    "pairs.csv": "the other runs among each other, all stars together",
    "stars.csv": "true and found period of every star",
    "classified_stars.csv": "true class of every star, and what it was taken for",
}

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
  --link: #00599d; --good: #0b4f8a; --bad: #a63603; }
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
.answer { border-left: 5px solid #8a919c; background: var(--tint); padding: .5rem 1rem .6rem;
  margin: .8rem 0; }
.answer p { max-width: 58rem; margin: .15rem 0; }
.answer .lead { font-size: 1.08rem; font-weight: 600; }
.answer .sign { display: inline-block; margin-right: .4rem; }
.answer.better { border-color: #0072b2; background: #eef5fb; }
.answer.better .sign { color: var(--good); }
.answer.worse { border-color: #d55e00; background: #fdf3ec; }
.answer.worse .sign { color: var(--bad); }
.answer .more { color: #3c424c; font-size: .94rem; }
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
{% for answer in answers %}<div class="answer {{ answer.verdict.split()[0] }}">
<p class="lead">{% if signs[answer.verdict] %}<span class="sign" aria-hidden="true">
{{- signs[answer.verdict] }}</span>{% endif %}{{ answer.headline }}</p>
{% if answer.details %}<p class="more">{{ answer.details | join(" ") }}</p>{% endif %}</div>
{% endfor %}
<p>{{ method }}</p>
{% if pairs %}<details{% if pairs | length <= 3 %} open{% endif %}><summary>The other runs among each
other</summary>
{% for answer in pairs %}<div class="answer {{ answer.verdict.split()[0] }}">
<p>{% if signs[answer.verdict] %}<span class="sign" aria-hidden="true">
{{- signs[answer.verdict] }}</span>{% endif %}{{ answer.text }}</p></div>
{% endfor %}</details>
{% endif %}</section>
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
<p>{{ reading }}</p>
{{ headline }}
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


def _embedded(picture: Picture) -> dict[str, Any]:
    buffer = io.BytesIO()
    picture.figure.savefig(buffer, format="png", dpi=_DPI)
    width, height = (round(_DPI * size) for size in picture.figure.get_size_inches())
    data = base64.b64encode(buffer.getvalue()).decode()
    return {**vars(picture), "width": width, "height": height, "wide": width > _WIDE, "data": data}


def _downloads(result: Comparison) -> list[tuple[str, str, str]]:
    """List the files inside the report: name, what it holds, and its content as an address."""
    summary = result.summary
    texts = {
        "summary.csv": summary.values.to_csv(index=False),
        "differences.csv": summary.differences.to_csv(index=False),
        "settings.json": json.dumps(result.settings, indent=2),
    }
    if "pairs csv" in result.files:
        texts["pairs.csv"] = summary.pairs.to_csv(index=False)
    for name in ("stars", "classified stars"):
        if name in result.files:
            text = pd.read_parquet(result.files[name]).to_csv(index=False)
            if len(text) <= _MOST_EMBEDDED:
                texts[f"{name.replace(' ', '_')}.csv"] = text
    found = []
    for name, text in texts.items():
        kind = "application/json" if name.endswith(".json") else "text/csv"
        content = base64.b64encode(text.encode()).decode()
        found.append((name, _DOWNLOADS[name], f"data:{kind};base64,{content}"))
    return found


def _beside(result: Comparison) -> Iterator[tuple[str, str]]:
    """List the files beside the report, and what they hold."""
    yield "stars.parquet", "true and found period of every star in every run and year"
    if "classified stars" in result.files:
        yield "classified_stars.parquet", "what every star was taken for"
    yield "summary.parquet, summary.h5", "the tables for other programs"
    for name, place in result.files.items():
        if place.is_dir():
            run = name.removeprefix("maf ")
            yield f"maf/{place.name}/", f"MAF's results of {run}: npz files and ResultsDb, for show_maf"
    yield (
        "maf/maf_summary.h5, maf/metric_subsets.json, maf/run_families.json",
        "for rubin_sim's run_comparison",
    )


def write_report(result: Comparison, path: Path) -> None:
    """Write the report."""
    plan = result.plan
    shown = [_embedded(p) for p in (*pictures(result), *example_pictures(result))]
    html = environment.from_string(_TEMPLATE).render(
        title="Observing strategies compared",
        subtitle=(
            f"{' · '.join(run.name for run in result.runs)}. {', '.join(plan.star_classes)} at r = "
            f"{', '.join(f'{m:g}' for m in plan.magnitudes)}, {plan.stars_per_position} stars a "
            f"position, {int(result.summary.common.sum())} common positions."
        ),
        sections=[
            ("answer", "Answer"),
            *((p["name"], p["short"]) for p in shown),
            ("tables", "Numbers"),
            ("made", "What was run"),
            ("downloads", "Downloads"),
        ],
        failures=list(result.failures.items()),
        answers=answers(result),
        method=method_sentence(plan),
        pairs=pair_answers(result),
        signs=_GLYPHS,
        pictures=shown,
        downloads=_downloads(result),
        beside=list(_beside(result)),
        version=result.settings["versions"]["pelsvae-cadence"],
        **all_tables(result),
    )
    with replacing(path) as partial:
        partial.write_text(html, encoding="utf-8")

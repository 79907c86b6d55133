"""Is a survey without visit pairs better? The same RR Lyrae stars in both, and in a thinned one."""

import sys
import tempfile

from pelsvae_cadence.cadence import SyntheticSurvey, thinned, without_pairs
from pelsvae_cadence.metrics.comparison import Plan, compare
from pelsvae_cadence.metrics.comparison.report.answers import answers
from pelsvae_cadence.metrics.comparison.report.pictures import pictures

# Any of these may be `read_survey("run.db")`, or a text: "run.db:without-pairs".
survey = SyntheticSurvey(preset="lsst-v3", seed=1, years=1)
runs = [survey, without_pairs(survey), thinned(survey, 0.45, seed=1)]
names = ["pairs", "first visit of each night", "as many at random"]

positions = tuple((30.0 * k, dec) for k in range(12) for dec in (-40.0, -10.0))
plan = Plan(
    positions=positions,
    star_classes=("RRab",),
    magnitudes=(22.0,),
    years=(0.5, 1),
    stars_per_position=3,
    period_range=(0.2, 1.2),
    seed=1,
)

with tempfile.TemporaryDirectory() as folder:  # a real comparison keeps its folder and report
    result = compare(runs, plan, out_dir=folder, names=names, report=False)
for answer in answers(result):
    print("-", answer.text)
columns = ["run", "year", "difference", "low", "high", "p_adjusted", "verdict"]
table = result.summary.differences
print(table[table.metric == "recovered"][columns].to_string(index=False))

output = sys.argv[1] if len(sys.argv) > 1 else "compare.png"
picture = next(p for p in pictures(result) if p.name == "at_a_glance")
picture.figure.savefig(output, dpi=130)
print(f"picture: {output}")

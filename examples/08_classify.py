"""Which classes can a young survey tell apart? Train on some of the sky, judge on the rest."""

import sys

from matplotlib.figure import Figure

from pelsvae_cadence import SyntheticSurvey
from pelsvae_cadence.classify import ClassMix, paired_difference, score
from pelsvae_cadence.classify.survey_classifier import train_on_survey
from pelsvae_cadence.plotting import plot_confusion

survey = SyntheticSurvey(preset="lsst-v3", seed=0)  # or read_survey("run.db")
mix = ClassMix(
    classes=("CEP", "DSCT", "ECL", "LPV", "RRLYR", "constant"), stars_per_class=4, magnitude_range=(17, 22)
)
half, two = train_on_survey(survey, n_positions=6, mix=mix, years=(0.5, 2.0))

figure = Figure(figsize=(13, 5), layout="constrained")
for ax, found in zip(figure.subplots(1, 2), (half, two), strict=True):
    scores = score(found.held_out)
    title = f"{found.years:g} years: macro-F1 {scores.macro_f1.value:.2f}"
    plot_confusion(scores.confusion, scores.classes, title=title, ax=ax)
    print(f"{found.years:g} years: macro-F1 {scores.macro_f1}, log-loss {scores.log_loss}")
gain = paired_difference(two.held_out, half.held_out)["macro_f1"]
print(f"gain, on the same stars: {gain}")

output = sys.argv[1] if len(sys.argv) > 1 else "classify.png"
figure.savefig(output, dpi=130)
print(f"picture: {output}")

#!/usr/bin/env bash
# Draw the pictures of the documentation that change with the shipped weights, in a few minutes.
# Real stars are drawn beside simulated ones where PELSVAE_DATA names their folder.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
images=docs/images
python examples/04_six_bands.py "$images/six_bands.png"
python examples/06_aliases.py "$images/aliases.png"
python examples/09_catalogue.py "$images/catalogue.png"
python examples/10_next_visit.py "$images/next_visit.png"
python -m pelsvae_cadence.training gallery "$images/gallery.png"
python - "$images/fitted_star.png" <<'PY'
import sys

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, fit, simulate
from pelsvae_cadence.photometry import at_magnitude
from pelsvae_cadence.plotting import plot_fitted_star

model = LightCurveModel.load()
star = at_magnitude(model.sample("RRab", n=1, seed=1, ra=35.6, dec=-4.8), "r", 22.0)
visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
points = simulate(star, visits.take(visits.mjd < visits.mjd[0] + 365.25), model=model, seed=1)
plot_fitted_star(points, fit(points, period_range=(0.1, 10.0))).savefig(sys.argv[1], dpi=110)
print("true period:", star.period[0])
PY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python -m pelsvae_cadence.training new-parameter --steps 400 --out-dir "$work"
cp "$work/metallicity.png" "$images/"
if [ -n "${PELSVAE_DATA:-}" ]; then
    python -m pelsvae_cadence.training population-figures --out-dir "$images"
    python -m pelsvae_cadence.training photometry-figures "$images"
else
    echo "PELSVAE_DATA is not set: population, mira_cycles, stripe82_bands, eclipse_bands stay" >&2
fi

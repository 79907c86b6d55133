"""One RR Lyrae star at one sky position of a ten-year survey: observed, searched, drawn."""

import sys

import astropy.units as u

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, search, simulate
from pelsvae_cadence.photometry import at_magnitude
from pelsvae_cadence.plotting import plot_folded

# The source model draws the shape; what is not given (here M_G and the amplitude) is drawn too.
model = LightCurveModel.load()
star = model.sample("RRab", period=0.55 * u.day, teff=6500 * u.K, ra=35.6, dec=-4.8, seed=1)
star = at_magnitude(star, "r", 22.0)
curve = model.phase_curve(star)

# The survey says when it looked, in which band and how deep. `read_survey("baseline.db")` takes
# the place of the synthetic survey where you have a database.
survey = SyntheticSurvey(preset="lsst-v3", seed=1)
visits = survey.at(ra=35.6, dec=-4.8)
light_curve = simulate(star, visits, curve=curve, seed=1)

# The search knows nothing about the star.
result = search(light_curve)
print(f"{len(visits)} visits, {light_curve.detected.sum()} detections")
print(f"true period  {star.period[0]:.6f} d")
print(f"found period {result.period[0]:.6f} d")

output = sys.argv[1] if len(sys.argv) > 1 else "one_star.png"
title = f"RRab at r = 22, P = {star.period[0]:.4f} d, found {result.period[0]:.4f} d ({survey.name})"
axes = plot_folded(light_curve, star=star, curve=curve, title=title)
axes.figure.savefig(output, dpi=130)
print(f"picture: {output}")

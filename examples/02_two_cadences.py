"""The same stars in LSST and in ZTF: how many periods after one, two, three and four years?"""

import sys

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, search, simulate
from pelsvae_cadence.periods import judge
from pelsvae_cadence.photometry import at_magnitude

SEED, N_STARS, POSITION = 3, 12, (35.6, -4.8)
SURVEYS = {
    "LSST": SyntheticSurvey(preset="lsst-v3", seed=SEED),
    "ZTF": SyntheticSurvey(preset="ztf", seed=SEED),
}

model = LightCurveModel.load()
stars = model.sample("RRab", n=N_STARS, ra=POSITION[0], dec=POSITION[1], seed=SEED)
stars = at_magnitude(stars, "r", 20.5)
curves = model.phase_curve(stars)  # decoded once, observed by every survey

figure = Figure(figsize=(8, 4.5), layout="constrained")
axes = figure.subplots()
for name, survey in SURVEYS.items():
    visits = survey.at(*POSITION)
    years = np.array([1, 2, 3, 4])
    found = []
    for year in years:
        so_far = visits.take(visits.mjd < survey.mjd_start + 365.25 * year)
        light_curves = simulate(stars, so_far, curve=curves, seed=SEED)
        verdicts = judge(search(light_curves), stars.period)
        found.append(verdicts.fraction("exact"))
        print(f"{name:18s} {year:2d} yr: {len(so_far):4d} visits, {found[-1]:.2f} recovered")
    axes.plot(years, found, "o-", label=name)
axes.set_xlabel("survey year")
axes.set_ylabel(f"recovered fraction of {N_STARS} RRab, r = 20.5")
axes.set_ylim(-0.03, 1.03)
axes.set_title(f"Same stars, same noise seed, ra {POSITION[0]}, dec {POSITION[1]} deg")
axes.legend()
output = sys.argv[1] if len(sys.argv) > 1 else "two_cadences.png"
figure.savefig(output, dpi=130)
print(f"picture: {output}")

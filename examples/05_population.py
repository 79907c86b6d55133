"""A thousand RR Lyrae stars and Miras of the Milky Way and the Clouds; one Mira, cycle by cycle."""

import sys

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, simulate
from pelsvae_cadence.plotting.population import plot_population_sky
from pelsvae_cadence.population.survey import draw_population
from pelsvae_cadence.simulation.modulation import draw_modulation

SEED = 4
model = LightCurveModel.load()
drawn = draw_population(
    model, {"RRLYR": 0.7, "LPV": 0.3}, n=1000, seed=SEED, where="sky", magnitude_range=(15, 24)
)
for component in sorted(set(drawn.component)):
    mine = drawn.component == component
    print(f"{component:10s} {mine.sum():4d} stars, median r = {np.median(drawn.magnitude[mine]):.1f}")
print(f"{drawn.crowded.mean():.0%} lie where neighbours matter more than noise")

# A Mira that is never saturated, at its own place, behind its own dust.
stars = drawn.stars
good = (stars.star_class == "LPV") & (stars.dec > -60) & (stars.dec < 0) & (drawn.magnitude > 19.5)
mira = stars.take(np.flatnonzero(good)[:1])
visits = SyntheticSurvey(preset="lsst-v3", seed=SEED).at(mira.ra[0], mira.dec[0])
curves = model.phase_curve(mira)
cycles = draw_modulation(mira, seed=SEED)

figure = Figure(figsize=(8.5, 8.5), layout="constrained")
grid = figure.add_gridspec(2, 1, height_ratios=[1.4, 1])
sky = plot_population_sky(stars, ax=figure.add_subplot(grid[0], projection="mollweide"))
sky.set_title("1,000 stars of 15 < r < 24")
sky.legend(loc="lower right", frameon=False, markerscale=3)
axes = figure.add_subplot(grid[1])
for label, modulation, colour in (
    ("strictly periodic", None, "0.7"),
    ("cycles that differ as in real Miras", cycles, "#882255"),
):
    light = simulate(mira, visits, curve=curves, seed=SEED, modulation=modulation)
    i = (light.band == "i") & light.detected
    axes.plot(light.mjd[i], light.mag[i], ".", ms=4, color=colour, label=label)
axes.invert_yaxis()
axes.set_xlabel("MJD [d]")
axes.set_ylabel("i [mag]")
axes.set_title(f"Mira, P = {mira.period[0]:.0f} d, E(B-V) = {mira.ebv[0]:.2f}")
axes.legend(loc="lower center")
output = sys.argv[1] if len(sys.argv) > 1 else "population.png"
figure.savefig(output, dpi=130)
print(f"picture: {output}")

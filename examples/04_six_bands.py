"""One star of each class in the six bands of a ten-year survey."""

import sys

import matplotlib.pyplot as plt
import numpy as np

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, simulate
from pelsvae_cadence.bands import BANDS, LSST_BANDS
from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.classes import display_name
from pelsvae_cadence.photometry import at_magnitude
from pelsvae_cadence.simulation import noise_free_magnitudes, orbital_phase

KINDS = ("RRab", "ACEP", "CEP", "T2CEP", "DSCT", "Mira", "EA", "EW", "ELL")
model = LightCurveModel.load()
visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
print(f"{len(visits)} visits: " + ", ".join(f"{np.sum(visits.band == b)} {b}" for b in LSST_BANDS))

# A grid of phases, once per band, for the curves without noise.
grid = np.linspace(-0.1, 1.4, 601)
empty = np.zeros(grid.size, dtype=int)
figure, panels = plt.subplots(3, 3, figsize=(13, 12), layout="constrained")
for panel, kind in zip(panels.flat, KINDS, strict=True):
    star = model.sample(kind, seed=5, ra=35.6, dec=-4.8, ebv=0.02)
    star = at_magnitude(star, "r", 19.5)
    curve = model.phase_curve(star)
    points = simulate(star, visits, curve=curve, seed=1)
    phase = orbital_phase(star, points.mjd)[0] % 1.0
    for band in LSST_BANDS:
        mine = (points.band == band) & points.detected & ~points.saturated
        for turn in (-1, 0, 1):
            x = phase[mine] + turn
            shown = (x > -0.1) & (x < 1.4)
            panel.plot(
                x[shown], points.mag[mine][shown], ".", ms=4.5, mew=0, alpha=0.6, color=BANDS[band].colour
            )
        lines = Visits(
            mjd=60000.0 + grid,
            band=np.full(grid.size, band),
            m5=25.0,
            night=empty,
            visit_id=np.arange(grid.size),
            exptime=30.0,
        )
        truth = noise_free_magnitudes(star, lines, curve, phase=grid[None, :])[0]
        panel.plot(grid, truth, "-", lw=1.1, color=BANDS[band].colour, label=band)
    name = display_name(str(star.star_class[0]), str(star.subtype[0]))
    panel.set_title(f"{name}, P = {star.period[0]:.4g} d, {star.teff[0]:.0f} K", fontsize=11)
    panel.invert_yaxis()
    panel.set_xlim(-0.1, 1.4)
figure.supxlabel("phase")
figure.supylabel("magnitude (AB); lines: without noise, dots: the visits of ten years")
figure.legend(*panels[0, 0].get_legend_handles_labels(), ncols=6, loc="outside upper center")

output = sys.argv[1] if len(sys.argv) > 1 else "six_bands.png"
figure.savefig(output, dpi=90)
print(f"picture: {output}")

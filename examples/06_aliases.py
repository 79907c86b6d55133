"""Why a period may come out wrong: the periodogram of an RR Lyrae star and its daily aliases."""

import sys
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from pelsvae_cadence import LightCurveModel, SyntheticSurvey, simulate
from pelsvae_cadence.bands import BANDS, LSST_BANDS
from pelsvae_cadence.periods import judge, search
from pelsvae_cadence.photometry import at_magnitude
from pelsvae_cadence.plotting.periodogram import plot_periodogram

YEAR = 365.25
model = LightCurveModel.load()
visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
first = visits.take(visits.mjd < visits.mjd[0] + YEAR)
stars = at_magnitude(model.sample("RRab", n=40, seed=18, ra=35.6, dec=-4.8), "r", 23.2)
# Some periods of faint stars are aliases; that of the most ordinary star is looked at.
after_one = judge(search(simulate(stars, first, seed=3), baseline=YEAR), stars.period).verdict
print("after one year:", dict(Counter(after_one.tolist())))
aliased = stars.take(np.flatnonzero(after_one == "alias"))
star = aliased.take(np.argsort(abs(aliased.period - 0.55))[:1])

figure, panels = plt.subplot_mosaic(
    [["one", "one"], ["ten", "ten"], ["right", "wrong"]], figsize=(10, 10), layout="constrained"
)
found = {}
for panel, some, years in (("one", first, 1.0), ("ten", visits, 10.0)):
    curve = simulate(star, some, seed=3)
    result = search(curve, baseline=years * YEAR)
    found[panel] = result.period[0]
    verdict = judge(result, star.period).verdict[0]
    plot_periodogram(
        curve,
        true_period=star.period[0],
        found_period=result.period[0],
        baseline=years * YEAR,
        title=f"{years:g} yr, {len(some)} visits: found {result.period[0]:.5f} d, {verdict}",
        ax=panels[panel],
    )

# The same year, folded with the true period and with the one that was found.
curve = simulate(star, first, seed=3)
for panel, period, name in (
    ("right", star.period[0], "true period"),
    ("wrong", found["one"], "the period found"),
):
    for band in LSST_BANDS:
        mine = (curve.band == band) & curve.detected
        phase = curve.mjd[mine] / period % 1.0
        panels[panel].errorbar(
            np.concatenate([phase, phase + 1]),
            np.tile(curve.mag[mine], 2),
            np.tile(curve.mag_err[mine], 2),
            fmt=".",
            lw=0.6,
            alpha=0.8,
            color=BANDS[band].colour,
            label=band if mine.any() else None,
        )
    panels[panel].invert_yaxis()
    panels[panel].set(title=f"first year, {name}: {period:.5f} d", xlabel="phase", ylabel="magnitude")
panels["right"].legend(ncols=6, fontsize=8, loc="lower center", columnspacing=0.8)

output = sys.argv[1] if len(sys.argv) > 1 else "aliases.png"
figure.savefig(output, dpi=90)
print(f"picture: {output}")

"""A catalogue of variable stars around the Large Magellanic Cloud: made, checked, read in part, drawn."""

import sys
import tempfile
from pathlib import Path

import healpy
import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence import SyntheticSurvey
from pelsvae_cadence.catalog import Catalog, validate_catalog
from pelsvae_cadence.catalog.generation import generate_catalog
from pelsvae_cadence.catalog.sites import DrawnStars
from pelsvae_cadence.photometry import mean_magnitudes
from pelsvae_cadence.plotting import plot_folded
from pelsvae_cadence.plotting.styles import CLASS_STYLES

# Every pixel of a map within 12 degrees of the Cloud gets three stars of each class.
ra, dec = healpy.pix2ang(16, np.arange(healpy.nside2npix(16)), lonlat=True)
near = healpy.rotator.angdist([80.9, -69.75], [ra, dec], lonlat=True) < np.radians(12.0)
stars = DrawnStars(
    ra=ra[near],
    dec=dec[near],
    star_classes=("RRab", "CEP", "EB", "Mira"),
    stars_per_class=3,
    magnitude=(18.0, 25.0),
)

with tempfile.TemporaryDirectory() as folder:
    made = generate_catalog(
        Path(folder) / "cloud.h5",
        SyntheticSurvey(preset="lsst-v3", seed=2),
        stars,
        seed=2,
        modulated=True,
        crowded=True,
    )
    print(
        f"{made.n_stars} stars, {made.n_points:,} points, {made.size / 1e6:.0f} MB; problems:",
        validate_catalog(made.path),
    )
    with Catalog(made.path) as catalog:  # from here on nothing but the file is needed
        table, points = catalog.stars, catalog.light_curves()
        print(len(catalog.light_curves(cone=(80.9, -69.75, 5.0))), "within 5 degrees of the LMC")

figure = Figure(figsize=(13, 8), layout="constrained")
panels = figure.subplot_mosaic([["count", "count", "sky"], list("abc")])
magnitude = mean_magnitudes(table, ("r",))[:, 0]
detected = np.add.reduceat(points.detected, points.offsets[:-1])
for name in np.unique(table.star_class).tolist():
    mine, style = table.star_class == name, CLASS_STYLES[name]
    panels["count"].plot(
        magnitude[mine],
        detected[mine],
        style.marker,
        color=style.colour,
        ms=5,
        label=f"{name}: {mine.sum()} stars",
    )
panels["count"].set(xlabel="mean magnitude r", ylabel="detected points in ten years")
panels["count"].legend(loc="center left", bbox_to_anchor=(0.0, 0.48))
east = (table.ra - 80.9) * np.cos(np.radians(table.dec))
sky = panels["sky"].scatter(east, table.dec, c=np.diff(points.offsets), cmap="cividis", s=40)
panels["sky"].plot(0.0, -69.75, "r+", ms=14)
panels["sky"].set(xlabel="degrees east of the LMC", ylabel="declination [deg]", xlim=(13, -13))
figure.colorbar(sky, ax=panels["sky"], label="visits in ten years")
for key, name in zip("abc", ("RRLYR", "ECL", "CEP"), strict=True):
    of_class = np.flatnonzero(table.star_class == name)
    k = int(of_class[np.argmin(np.abs(magnitude[of_class] - 19.5))])
    plot_folded(points.star(k), star=table.take([k]), title=f"a star of {name}", ax=panels[key])
output = sys.argv[1] if len(sys.argv) > 1 else "catalogue.png"
figure.savefig(output, dpi=110)
print(f"picture: {output}")

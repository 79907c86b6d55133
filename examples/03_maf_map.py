"""A MAF metric in MAF's own words: slicer, metric, bundle, group - and a map."""

import sys
import tempfile

import healpy
import numpy as np

from pelsvae_cadence import SyntheticSurvey
from pelsvae_cadence.metrics import PeriodRecoveryMetric  # before rubin_sim: finds its data folder
from pelsvae_cadence.plotting import plot_sky_map

from rubin_sim.maf.db import ResultsDb  # isort: skip
from rubin_sim.maf.metric_bundles import MetricBundle, MetricBundleGroup  # isort: skip
from rubin_sim.maf.slicers import HealpixSlicer  # isort: skip

NSIDE = 2
# Any OpSim database works in place of these visits: give its name to MetricBundleGroup.
survey = SyntheticSurvey(preset="lsst-v3", seed=0)
ra, dec = healpy.pix2ang(NSIDE, np.arange(healpy.nside2npix(NSIDE)), lonlat=True)
table = survey.opsim_table(ra, dec)
visits = table[table["night"] < 366].to_records(index=False)  # the first year

metric = PeriodRecoveryMetric(star_class="RRab", magnitude=22.5, stars_per_position=6)
# The synthetic survey puts its visits exactly on the positions; a real one wants radius=1.75.
slicer = HealpixSlicer(nside=NSIDE, radius=0.01, use_camera=False, use_cache=False, verbose=False)
bundle = MetricBundle(metric, slicer, "", run_name="synthetic")

with tempfile.TemporaryDirectory() as folder:
    results = ResultsDb(out_dir=folder)
    group = MetricBundleGroup({"rrab": bundle}, None, out_dir=folder, results_db=results)
    group.run_current("", sim_data=visits)
    results.close()
    values = {name: b.metric_values for name, b in group.bundle_dict.items()}

recovered = next(value for name, value in values.items() if name.endswith("_recovered"))
print(f"{(~recovered.mask).sum()} positions, mean recovered fraction {recovered.mean():.2f}")
output = sys.argv[1] if len(sys.argv) > 1 else "maf_map.png"
axes = plot_sky_map(
    recovered.astype(float).filled(np.nan),
    vmin=0,
    vmax=1,
    title="RRab at r = 22.5 after one year",
    label="recovered fraction",
)
axes.figure.savefig(output, dpi=130)
print(f"picture: {output}")

"""Which band and which night next? What further visits would tell about faint RR Lyrae stars.

Five faint stars have been seen at eighteen visits of a synthetic LSST. Each night of the next six weeks, and
each band, is a candidate; the value of a visit is the information that it is expected to give on period and class.

    python examples/10_next_visit.py next_visit.png
"""

import sys

import numpy as np

from pelsvae_cadence import LightCurveModel, Priors, SyntheticSurvey, Visits, visit_value
from pelsvae_cadence.photometry import at_magnitude
from pelsvae_cadence.plotting import plot_visit_value

model = LightCurveModel.load()
survey = SyntheticSurvey(preset="lsst-v3", seed=1).at(ra=35.6, dec=-4.8)
visits = survey.take(np.arange(18))
stars = at_magnitude(model.sample("RRc", n=5, ra=35.6, dec=-4.8, seed=2), "r", 23.0)

# One visit a night and band, at typical depth, each night a little later.
bands = sorted(set(visits.band.tolist()))
night = np.arange(1, 43)
mjd = np.floor(visits.mjd.max()) + night + 0.05 + 0.2 * (night % 7) / 7
candidates = Visits(
    mjd=np.repeat(mjd, len(bands)),
    band=np.tile(bands, night.size),
    m5=np.tile([np.median(survey.m5[survey.band == band]) for band in bands], night.size),
    night=np.repeat(night, len(bands)),
    visit_id=np.arange(night.size * len(bands)),
    exptime=np.full(night.size * len(bands), 30.0),
)
value = visit_value(
    stars, visits, candidates, model=model, priors=Priors(classes={"RRLYR": 1.0}), period_range=(0.2, 1.2)
)
for i in value.best(5).tolist():
    bits = value.total[:, i].mean()
    print(f"{candidates.band[i]} on MJD {candidates.mjd[i]:.2f}: {bits:.2f} bits a star")
by_band = {band: value.total[:, candidates.band == band].mean() for band in bands}
print("mean over the nights:", ", ".join(f"{band} {bits:.2f}" for band, bits in by_band.items()))
plot_visit_value(value).figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "next_visit.png", dpi=110)

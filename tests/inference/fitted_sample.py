"""Three stars and what `fit` says of them, fitted once a process: one with a period, one constant, one with few points."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from pelsvae_cadence.inference.fit import fit
from pelsvae_cadence.inference.fitted import FittedStars
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.light_curves import LightCurves

PERIOD = 0.6132
PERIOD_RANGE = (0.5, 0.75)
CLASSES = "RRLYR"


def points() -> pd.DataFrame:
    """Points of the three stars; the first rises in a fifth of its cycle as RRab stars do."""
    rng = np.random.default_rng(5)
    rows = []
    for name, n in (("V1", 40), ("constant", 30), ("few", 3)):
        mjd = 60000.0 + np.sort(rng.uniform(0.0, 300.0, n))
        band = np.where(np.arange(n) % 2, "g", "r")
        phase = (mjd / PERIOD) % 1.0
        shape = np.where(phase < 0.8, phase / 0.8, (1.0 - phase) / 0.2) - 0.5
        mag = 17.0 + 0.25 * (band == "g") + 0.02 * rng.standard_normal(n)
        if name == "V1":
            mag += np.where(band == "g", 1.0, 0.7) * shape
        rows.append(pd.DataFrame({"star_id": name, "mjd": mjd, "band": band, "mag": mag, "mag_err": 0.02}))
    return pd.concat(rows, ignore_index=True)


def light_curves() -> LightCurves:
    return LightCurves.from_table(points())


@cache
def fitted(method: str = "learned") -> FittedStars:
    return fit(
        light_curves(),
        method=method,  # type: ignore[arg-type]
        priors=Priors(classes={CLASSES: 1.0}),
        period_range=PERIOD_RANGE,
    )

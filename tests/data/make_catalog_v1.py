"""Make catalog-v1.h5, the golden file of catalogue format version 1.

Run from the project's root: ``python tests/data/make_catalog_v1.py``. A committed golden file is
never made again: it is what proves that files of that version stay readable.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.catalog import Provenance, write_catalog
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

PATH = Path(__file__).with_name("catalog-v1.h5")

PROVENANCE = Provenance(
    seed=20200924,
    model_name="golden",
    model_hash="sha256:0123",
    survey_name="golden survey, ü",
    survey_hash="sha256:4567",
    versions={"python": "3.11.7", "pelsvae-cadence": "0.1.0"},
    command="pelsvae_cadence catalog write --seed 20200924",
    created="2026-11-22T00:00:00+00:00",
    extra={"note": "made by arithmetic alone", "list": [1, 2.5, None]},
)


def batch(
    first_id: int, n_points: tuple[int, ...], bands: str, *, optional: bool
) -> tuple[Stars, Visits, LightCurves]:
    """Make stars of one position with plain arithmetic, the same on every machine."""
    n, n_visits = len(n_points), 12
    k = np.arange(n_visits)
    visits = Visits(
        mjd=61000.0 + first_id + k * 1.25,
        band=np.array([bands.split()[j % len(bands.split())] for j in k]),
        m5=24.0 + k / 8,
        night=first_id + k,
        visit_id=1000 * first_id + 7 * k,
        exptime=np.full(n_visits, 30.0),
        airmass=1.0 + k / 64 if optional else None,
        seeing=0.75 + k / 128 if optional else None,
    )
    i = np.arange(n)
    classes = [("RRLYR", "RRab"), ("CEP", "1O"), ("ECL", ""), ("LPV", "Mira")]
    stars = Stars(
        star_id=first_id + 2 * i[::-1],
        star_class=np.array([classes[j % 4][0] for j in i]),
        subtype=np.array([classes[j % 4][1] for j in i]),
        period=0.5 + i * 1.5,
        teff=6000.0 + i * 62.5,
        abs_mag_g=0.5 - i,
        amplitude_i=0.25 + i / 4,
        epoch=2461000.0 + i / 16,
        ra=80.0 + first_id + i,
        dec=-70.0 + first_id + i,
        distance_modulus=18.5 + i / 32,
        ebv=0.125 * i,
        feh=np.where(i % 2 == 0, np.nan, -1.25),
        latent=(i[:, None] - np.arange(3) / 4),
    )
    rows = np.concatenate([np.arange(m) for m in n_points])
    x = np.arange(rows.size)
    detected = x % 5 != 4
    points = LightCurves(
        star_id=stars.star_id,
        offsets=np.concatenate([[0], np.cumsum(n_points)]),
        mjd=visits.mjd[rows],
        band=visits.band[rows],
        visit_id=visits.visit_id[rows],
        mag_true=18.0 + x / 16,
        mag=np.where(detected, 18.0 + x / 16 + 1 / 64, np.nan),
        mag_err=np.where(detected, (1 + x) / 512, np.nan),
        flux=np.where(x == 3, -0.0, 1000.0 - x * 17.5),
        flux_err=1.0 + x / 8,
        detected=detected,
        saturated=x % 7 == 6,
    )
    return stars, visits, points


def batches() -> list[tuple[Stars, Visits, LightCurves]]:
    """Make the content of the golden file: two positions, of which one has no airmass."""
    return [
        batch(10, (12, 0, 5, 3), "u g r i z y", optional=True),
        batch(40, (6, 12), "zg zr zi", optional=False),
    ]


if __name__ == "__main__":
    write_catalog(PATH, batches(), provenance=PROVENANCE, overwrite=True)

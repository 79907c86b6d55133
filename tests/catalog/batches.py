"""Random stars, visits and light curves to put into catalogues, and how to compare them."""

from __future__ import annotations

import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

HERE = Path(__file__).parents[1]

Batch = tuple[Stars, Visits, LightCurves]

GOLDEN = runpy.run_path(str(HERE / "data" / "make_catalog_v1.py"))


def random_batch(seed: int, first_id: int, n: int = 6, n_visits: int = 60) -> Batch:
    """Stars with light curves of different lengths, some of them empty."""
    rng = np.random.default_rng(seed)
    mjd = np.sort(rng.uniform(61000.0, 64650.0, n_visits))
    visits = Visits(
        mjd=mjd,
        band=rng.choice(list("ugrizy"), n_visits),
        m5=rng.normal(24.0, 0.4, n_visits),
        night=(mjd - 61000.0).astype(int),
        visit_id=rng.permutation(10 * n_visits)[:n_visits],
        exptime=np.full(n_visits, 30.0),
        airmass=rng.uniform(1.0, 2.0, n_visits),
    )
    star_class = rng.choice(STAR_CLASSES, n)
    stars = Stars(
        star_id=first_id + rng.permutation(n),
        star_class=star_class,
        subtype=np.array([rng.choice([*SUBTYPES[name], ""]) for name in star_class]),
        period=10.0 ** rng.uniform(-1.0, 3.0, n),
        teff=rng.uniform(3000.0, 9000.0, n),
        abs_mag_g=rng.normal(0.0, 3.0, n),
        amplitude_i=rng.uniform(0.0, 2.0, n),
        epoch=2461000.0 + rng.uniform(0.0, 100.0, n),
        ra=rng.uniform(0.0, 360.0, n),
        dec=np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n))),
        distance_modulus=rng.normal(15.0, 3.0, n),
        ebv=rng.uniform(0.0, 1.0, n),
        feh=np.where(rng.random(n) < 0.5, np.nan, rng.normal(-1.0, 0.5, n)),
        latent=rng.normal(size=(n, 4)),
    )
    rows = [np.flatnonzero(rng.random(n_visits) < p) for p in rng.choice([0.0, 0.5, 1.0], n)]
    row = np.concatenate(rows)
    mag_true = rng.normal(21.0, 2.0, row.size)
    mag_err = rng.uniform(0.005, 0.3, row.size)
    detected = mag_err < 0.2
    mag = np.where(detected, mag_true + mag_err * rng.normal(size=row.size), np.nan)
    flux = rng.normal(0.0, 1e4, row.size)
    points = LightCurves(
        star_id=stars.star_id,
        offsets=np.concatenate([[0], np.cumsum([r.size for r in rows])]),
        mjd=visits.mjd[row],
        band=visits.band[row],
        visit_id=visits.visit_id[row],
        mag_true=mag_true,
        mag=mag,
        mag_err=np.where(detected, mag_err, np.nan),
        flux=flux,
        flux_err=np.abs(flux) / 10.0,
        detected=detected,
        saturated=mag_true < 16.0,
    )
    return stars, visits, points


def part(batch: Batch, rows: np.ndarray) -> Batch:
    stars, visits, points = batch
    return stars.take(rows), visits, LightCurves.concatenate(points.star(int(i)) for i in rows)


def assert_identical(found: Any, expected: Any) -> None:
    """Bit for bit: NaN is NaN and -0 is not 0."""
    assert type(found) is type(expected)
    for field in fields(expected):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if b is None:
            assert a is None, field.name
            continue
        assert a.shape == b.shape, field.name
        if b.dtype.kind == "U":
            assert a.tolist() == b.tolist(), field.name
        else:
            assert a.dtype == b.dtype, field.name
            assert a.tobytes() == b.tobytes(), field.name


def joined(batches: list[Batch]) -> tuple[Stars, LightCurves]:
    columns = {}
    for field in fields(Stars):
        columns[field.name] = np.concatenate([getattr(b[0], field.name) for b in batches])
    return Stars(**columns), LightCurves.concatenate(b[2] for b in batches)


def damaged(path: Path, *names: str) -> Path:
    """Flip one bit in the first stored chunk of each of some datasets."""
    with h5py.File(path) as file:
        chunks = [file[name].id.get_chunk_info(0) for name in names]
    data = bytearray(path.read_bytes())
    for chunk in chunks:
        data[chunk.byte_offset + chunk.size // 2] ^= 1
    copy = path.with_name("damaged.h5")
    copy.write_bytes(data)
    return copy

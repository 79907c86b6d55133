"""Ranks of calibrated samples are even; those of biased or narrow ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.inference.physics.samples import PHYSICS_COLUMNS, PhysicalSamples
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.validate.physics.coverage import Covered, coverage_figures, inside, ranks, uniformity

N, S = 400, 100


def truth(binary: bool = False) -> Stars:
    rng = np.random.default_rng(0)
    return Stars(
        star_id=np.arange(N),
        star_class="ECL" if binary else "RRLYR",
        subtype="EA" if binary else "RRab",
        period=0.5 + 0.01 * rng.standard_normal(N),
        teff=6500.0 + 100.0 * rng.standard_normal(N),
        abs_mag_g=0.6 + 0.1 * rng.standard_normal(N),
        amplitude_i=0.5,
        epoch=2461005.0,
        ra=0.0,
        dec=0.0,
        distance_modulus=16.0 + rng.standard_normal(N),
        ebv=0.0,
        feh=np.nan,
    )


def samples(stars: Stars, width: float = 1.0, shift: float = 0.0) -> PhysicalSamples:
    """Samples about noisy estimates of the truths, with an error that is `width` times the noise."""
    rng = np.random.default_rng(1)
    columns = {name: np.full((N, S), np.nan) for name in PHYSICS_COLUMNS}
    for name, noise in (("period", 1e-4), ("teff", 50.0), ("abs_mag_g", 0.02), ("distance_modulus", 0.02)):
        seen = getattr(stars, name) + noise * (rng.standard_normal(N) + shift)
        columns[name] = seen[:, None] + width * noise * rng.standard_normal((N, S))
    return PhysicalSamples(
        star_id=stars.star_id,
        subtype=np.zeros((N, S), dtype=np.int64),
        mean_mag=np.full((N, S, 0), np.nan),
        bands=(),
        subtypes=("RRLYR/RRab",),
        **columns,
    )


@pytest.mark.parametrize(
    ("width", "shift", "fine"), [(1.0, 0.0, True), (0.5, 0.0, False), (2.0, 0.0, False), (1.0, 1.0, False)]
)
def test_only_calibrated_samples_pass(width, shift, fine):
    stars = truth()
    rank = ranks(samples(stars, width, shift), stars)
    covered = Covered(star_class=stars.star_class, rank=rank, width={})
    figures = coverage_figures({"1 yr": covered})
    assert len(figures) == 4 * 3
    assert all(figure.passed for figure in figures) == fine
    assert (uniformity(rank["teff"]) > 0.01) == fine


def test_intervals_are_central():
    assert inside(np.array([0.161, 0.159, 0.5, 0.839, 0.841, np.nan]), 0.68).tolist() == [1, 0, 1, 1, 0]


def test_what_has_no_distance_is_not_judged():
    stars = truth(binary=True)
    rank = ranks(samples(stars), stars)
    assert np.isnan(rank["distance_modulus"]).all()
    assert np.isfinite(rank["teff"]).all()

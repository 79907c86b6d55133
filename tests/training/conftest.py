"""A small table of stars whose shapes follow from their physics in a known way."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.open_set.shapes import ShapeTable
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

_K = 16


def known_open_set(n: int = 160, seed: int = 3) -> SimpleNamespace:
    """RRab sawteeth whose rise grows with temperature, and EW with two unlike minima."""
    rng = np.random.default_rng(seed)
    k = np.arange(1, _K + 1)
    half = n // 2
    teff = np.concatenate([rng.uniform(5900, 7300, half), rng.uniform(4500, 7500, n - half)])
    log_p = np.concatenate([rng.uniform(-0.4, -0.1, half), rng.uniform(-0.6, -0.2, n - half)])
    cos, sin = np.zeros((n, _K)), np.zeros((n, _K))
    decay = 0.45 + 0.2 * (7300 - teff[:half]) / 1400 + 0.02 * rng.normal(size=half)
    phase0 = 0.6 + 0.1 * rng.normal(size=half)
    angle = phase0[:, None] * (k - 1)
    cos[:half] = -(decay[:, None] ** (k - 1)) / np.sqrt(k) * np.cos(angle)
    sin[:half] = -(decay[:, None] ** (k - 1)) / np.sqrt(k) * np.sin(angle)
    depth = rng.uniform(0.05, 0.25, n - half)
    cos[half:, 1] = 1.0
    cos[half:, 0] = depth
    cos[half:, 3] = rng.uniform(0.1, 0.3, n - half)
    shapes = PhaseCurve(cos=cos, sin=sin).normalised()
    grid = shapes.evaluate(np.arange(1024) / 1024)
    zero = np.where(np.arange(n) < half, grid.argmin(axis=1), grid.argmax(axis=1)) / 1024
    shapes = shapes.shifted(zero)
    split = np.array(["train", "train", "train", "validation", "test"])[np.arange(n) % 5]
    return SimpleNamespace(
        star=np.array([f"S{i}" for i in range(n)]),
        star_class=np.array(["RRLYR"] * half + ["ECL"] * (n - half)),
        subtype=np.array(["RRab"] * half + ["EW"] * (n - half)),
        split=split,
        period=10.0**log_p,
        teff=teff,
        abs_mag_g=0.6 + 2.0 * log_p + 0.1 * rng.normal(size=n),
        amplitude_i=10.0 ** rng.normal(-0.35, 0.1, n),
        feh=np.where(np.arange(n) < half, rng.normal(-1.5, 0.3, n), np.nan),
        cos=shapes.cos,
        sin=shapes.sin,
    )


@pytest.fixture(scope="session")
def open_stars() -> OpenSet:
    """The open training set; it takes seconds to read."""
    return load_open_set()


@pytest.fixture(scope="session")
def known_table() -> ShapeTable:
    """The table in the networks' layout."""
    return ShapeTable.from_open_set(known_open_set())

"""The shipped weights come from the committed table, and every one meets the cadence contract."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.weights import list_weights
from pelsvae_cadence.training.open_set.shapes import ShapeTable
from pelsvae_cadence.training.open_set.table import load_open_set

NAMES = ("harmonic", "paper-gru", "paper-tcn")
CONFIGURATION = {"harmonic": "harmonic", "paper-gru": "sequence", "paper-tcn": "sequence"}


@pytest.fixture(scope="module")
def table_hash() -> str:
    return ShapeTable.from_open_set(load_open_set()).hash


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest) -> LightCurveModel:
    return LightCurveModel.load(request.param)


def test_no_other_weights_are_shipped() -> None:
    assert set(list_weights()) == set(NAMES)


def test_the_card_names_the_committed_table(model: LightCurveModel, table_hash: str) -> None:
    card = model.card
    assert card["training_data"]["sha256"] == table_hash
    assert f"pelsvae_cadence.training fit --config {model.name} --seed 0" in card["command"]
    assert card["architecture"] == CONFIGURATION[model.name]
    assert card["scores"]
    assert card["licence"] == "BSD-3-Clause"
    assert "2005.07773" in card["citation"]
    assert all(fit["seconds"] > 0 for fit in card["fits"].values())
    assert set(model.classes) == {c for c in card["ranges"] if "/" not in c}


def test_no_more_than_two_megabytes(model: LightCurveModel) -> None:
    from pelsvae_cadence.model.weights import load_weights

    assert sum(v.nbytes for v in load_weights(model.name).tensors.values()) < 2e6


def test_other_visits_change_nothing(model: LightCurveModel) -> None:
    """Adding, removing and reordering visits, and other stars, leave every magnitude as it is."""
    stars = [model.sample(name, n=4, seed=5) for name in model.classes]
    rng = np.random.default_rng(1)
    phase = np.concatenate([rng.uniform(-2, 4000, 300), np.linspace(0, 1, 40)])
    order = rng.permutation(phase.size)
    for group in stars:
        curves = model.phase_curve(group)
        full = curves.evaluate(phase)
        np.testing.assert_allclose(curves.evaluate(phase[order]), full[:, order], atol=1e-12)
        np.testing.assert_allclose(curves.evaluate(phase[::7]), full[:, ::7], atol=1e-12)
        more = np.concatenate([rng.uniform(size=1000), phase])
        np.testing.assert_allclose(curves.evaluate(more)[:, 1000:], full, atol=1e-12)
        np.testing.assert_allclose(curves.evaluate(phase[:50] + 3.0), full[:, :50], atol=1e-8)
        alone = model.phase_curve(model.sample(str(group.star_class[0]), star_id=[2], seed=5))
        np.testing.assert_array_equal(alone.cos[0], curves.cos[2])
        assert np.ptp(curves.evaluate(np.arange(1024) / 1024), axis=1) == pytest.approx(1, abs=2e-3)


def test_noisy_points_come_back(model: LightCurveModel) -> None:
    """A Cepheid seen 100 times is encoded and decoded to about what it was."""
    rng = np.random.default_rng(3)
    stars = model.sample("CEP", n=30, seed=2)
    truth = model.phase_curve(stars)
    phase = rng.uniform(size=(30, 100))
    mag = 15.0 + stars.amplitude_i[:, None] * truth.evaluate(phase)
    mag = mag + 0.005 * rng.normal(size=mag.shape)
    mu, _ = model.encode(list(phase), list(mag), list(np.full(mag.shape, 0.005)), stars)
    rows = np.column_stack(
        [np.log10(stars.period), np.log10(stars.teff), stars.abs_mag_g, np.log10(stars.amplitude_i)]
    )
    decoded, shift = model.decode(mu, stars.star_class, rows)
    grid = np.arange(256) / 256
    left = decoded.shifted(-shift).evaluate(grid) - truth.evaluate(grid)
    rms = np.sqrt(np.mean(left**2, axis=1))
    # A constant is off by 0.3.
    assert np.median(rms) < (0.02 if model.name == "harmonic" else 0.1)


def test_the_hash_of_the_table_does_not_depend_on_the_processor(table_hash: str) -> None:
    """Logarithms with AVX-512 and without differ by a bit; another star is another table."""
    table = ShapeTable.from_open_set(load_open_set())
    for side in (-np.inf, np.inf):
        bit = dataclasses.replace(table, physics=np.nextafter(table.physics, side))
        assert bit.hash == table_hash
    assert table.take(np.arange(1, len(table))).hash != table_hash
    warmer = table.physics.copy()
    warmer[0, 1] += 1e-5
    assert dataclasses.replace(table, physics=warmer).hash != table_hash

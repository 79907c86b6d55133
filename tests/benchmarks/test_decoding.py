"""Cost of light curves beside the published network, in one process.

Only ratios mean anything: both sides run one after the other on one thread, and are charged for
processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pelsvae_cadence.model.blocks import in_blocks, single_thread
from pelsvae_cadence.model.reference_stars import class_index, physics_matrix
from pelsvae_cadence.model.sequence.networks import training_tags
from pelsvae_cadence.model.sequence.published import PublishedNetwork, PublishedWarning
from pelsvae_cadence.model.source import LightCurveModel

N_STARS, N_POINTS = 100, 300


def _processor_time(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.slow
@pytest.mark.parametrize(
    "latent", ["given", "drawn"], ids=["latent given", "latent drawn from the parameters"]
)
def test_harmonic_model_beside_the_published_network(benchmark, shared_data: Path, latent: str) -> None:
    """100 light curves of 300 points, the published decoder in its favour: one batch, z known."""
    with pytest.warns(PublishedWarning):
        network = PublishedNetwork.load(shared_data / "pelsvae_published")
    model = LightCurveModel.load()
    stars = model.sample("RRab", n=N_STARS, seed=1)
    if latent == "drawn":
        stars = replace(stars, latent=None)
    phase = np.random.default_rng(0).uniform(size=(N_STARS, N_POINTS))
    z = torch.as_tensor(network.draw_latent(stars.star_class, stars.star_id), dtype=torch.float32)
    kind = torch.full((N_STARS,), 6)
    tags = training_tags(2 * N_POINTS)

    def published() -> torch.Tensor:
        with single_thread():
            return network.vae.decoder(z, tags, kind)

    def ours() -> np.ndarray:
        return stars.amplitude_i[:, None] * model.phase_curve(stars).evaluate(phase)

    assert published().shape == (N_STARS, 2 * N_POINTS, 1)
    assert np.isfinite(ours()).all()
    curves = model.phase_curve(stars)
    for _ in range(300):  # a process that simulates a survey has compiled its inner loop by then
        curves.evaluate(phase)
    ratio = _processor_time(published, 3) / _processor_time(ours, 5)
    benchmark.extra_info["published / this"] = round(ratio, 1)
    benchmark.pedantic(ours, rounds=5)
    assert ratio > 15.0


@pytest.mark.slow
@pytest.mark.parametrize("n", [1000, 10_000])
def test_decoder_in_numpy_beside_torch(benchmark, n: int) -> None:
    """The same network on the same stars; torch computes in single precision."""
    model = LightCurveModel.load()
    stars = model.sample("RRab", n=n, seed=1)
    latent, physics, kind = np.array(stars.latent), physics_matrix(stars), class_index(stars.star_class)
    decoder = model.network.decoder

    def in_torch() -> np.ndarray:
        single = [torch.as_tensor(values, dtype=torch.float32) for values in (latent, physics)]
        return in_blocks(lambda *rows: decoder(*rows, scaled=False), *single, torch.as_tensor(kind))

    def ours() -> np.ndarray:
        return model._decoder(latent, physics, kind)

    np.testing.assert_allclose(ours(), in_torch(), atol=1e-6)
    ratio = _processor_time(ours, 5) / _processor_time(in_torch, 5)
    benchmark.extra_info["NumPy / torch"] = round(ratio, 2)
    benchmark.pedantic(ours, rounds=3)
    assert ratio < 4.0

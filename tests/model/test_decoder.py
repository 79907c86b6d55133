"""The decoder in NumPy beside the one in torch."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.blocks import in_blocks
from pelsvae_cadence.model.decoder import HarmonicDecoder, ModelConfig
from pelsvae_cadence.model.reference_stars import class_index, physics_matrix
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.model.weights import Weights, module_tensors

#: The tolerance that docs/model.md states, of a curve of unit amplitude.
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def model() -> LightCurveModel:
    return LightCurveModel.load()


def curves(packed: np.ndarray) -> np.ndarray:
    half = packed.shape[1] // 2
    return PhaseCurve(cos=packed[:, :half], sin=packed[:, half:]).on_grid(1024)


@pytest.mark.parametrize("name", STAR_CLASSES)
def test_curves_are_those_of_torch(model: LightCurveModel, name: str) -> None:
    stars = model.sample(name, n=300, seed=6)
    latent, physics = np.array(stars.latent), physics_matrix(stars)
    kind = class_index(stars.star_class)
    ours = curves(model._decoder(latent, physics, kind))

    def torch_s(dtype: torch.dtype) -> np.ndarray:
        decoder = copy.deepcopy(model.network.decoder).to(dtype)
        rows = [torch.as_tensor(v, dtype=dtype) for v in (latent, physics)]
        return curves(in_blocks(lambda *row: decoder(*row, scaled=False), *rows, torch.as_tensor(kind)))

    np.testing.assert_allclose(ours, torch_s(torch.float64), atol=3e-7, rtol=0)
    np.testing.assert_allclose(ours, torch_s(torch.float32), atol=TOLERANCE, rtol=0)
    assert np.ptp(ours, axis=1).min() > 0.5


@pytest.mark.parametrize("odd_shrink", [0.0, 0.4])
def test_any_harmonic_network_is_decoded(odd_shrink: float) -> None:
    torch.manual_seed(0)
    config = ModelConfig(n_harmonics=9, n_latent=3, n_axes=7, hidden=20, layers=2, odd_shrink=odd_shrink)
    vae = HarmonicVAE(config).eval()
    rng = np.random.default_rng(1)
    shapes, kind = rng.normal(size=(160, 18)), np.repeat(np.arange(8), 20)
    vae.set_statistics(shapes, rng.normal(size=(160, 4)), kind)
    vae.double()
    decoder = HarmonicDecoder(
        Weights(name="mine", tensors=module_tensors(vae, "vae."), card={}, hash=""), config
    )
    latent, physics = rng.normal(size=(160, 3)), rng.normal(size=(160, 4))
    with torch.no_grad():
        wanted = vae.decoder(*(torch.as_tensor(v) for v in (latent, physics, kind)), scaled=False)
    np.testing.assert_allclose(decoder(latent, physics, kind), wanted.numpy(), atol=1e-6, rtol=1e-6)


def test_damaged_tensors_are_refused(model: LightCurveModel) -> None:
    name = "vae.decoder.network.2.weight"
    for value in (None, np.zeros((2, 2), np.float32)):
        tensors = {k: v for k, v in (model._weights.tensors | {name: value}).items() if v is not None}
        with pytest.raises(InputError, match=f"lack a usable {name}"):
            LightCurveModel(replace(model._weights, tensors=tensors))

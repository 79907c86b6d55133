"""Network modules: shapes, invariances, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pelsvae_cadence.model.blocks import single_thread
from pelsvae_cadence.model.decoder import ModelConfig
from pelsvae_cadence.model.layers import ClassBasis, fourier_grid
from pelsvae_cadence.model.reference_stars import physics_matrix
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.vae import HarmonicVAE

CONFIG = ModelConfig(n_harmonics=12, n_latent=4, n_axes=10, hidden=32, layers=2)


def shapes(n: int, seed: int = 0) -> np.ndarray:
    """Random smooth shapes of unit amplitude."""
    rng = np.random.default_rng(seed)
    k = np.tile(np.arange(1, 13), 2)
    coefficients = rng.normal(size=(n, 24)) / k**1.5
    coefficients[:, 0] -= 2.0
    curve = coefficients @ fourier_grid(12, 512).double().numpy()
    return coefficients / np.ptp(curve, axis=1)[:, None]


@pytest.fixture
def vae() -> HarmonicVAE:
    torch.manual_seed(0)
    vae = HarmonicVAE(CONFIG)
    rng = np.random.default_rng(2)
    vae.set_statistics(shapes(80), rng.normal(size=(80, 4)), np.repeat([1, 6], 40))
    return vae.eval()


@pytest.fixture
def batch() -> tuple[torch.Tensor, ...]:
    """Phases, magnitudes, inverse variances, physics, classes of six stars."""
    rng = np.random.default_rng(4)
    truth = torch.as_tensor(shapes(6, seed=9), dtype=torch.float32)
    phase = torch.as_tensor(rng.random((6, 40)), dtype=torch.float32)
    basis = fourier_grid(12, 4096)
    mag = truth @ basis
    mag = 0.4 * mag.gather(1, (phase * 4096).long())
    weight = torch.full_like(mag, 0.01**-2)
    physics = torch.as_tensor(rng.normal(size=(6, 4)), dtype=torch.float32)
    return phase, mag, weight, physics, torch.tensor([1, 6, 1, 6, 1, 6])


def test_decoder_returns_unit_amplitude(vae: HarmonicVAE) -> None:
    z, physics = torch.randn(7, 4), torch.randn(7, 4)
    coefficients = vae.decoder(z, physics, torch.full((7,), 6))
    assert coefficients.shape == (7, 24)
    size = np.ptp((coefficients @ fourier_grid(12, 4096)).detach().numpy(), axis=1)
    np.testing.assert_allclose(size, 1.0, atol=1e-3)


def test_encoder_ignores_order_padding_level_and_scale(
    vae: HarmonicVAE, batch: tuple[torch.Tensor, ...]
) -> None:
    phase, mag, weight, physics, star_class = batch
    with torch.no_grad():
        mu, logvar, amplitude = vae.encode(phase, mag, weight, physics, star_class)
        turn = torch.randperm(40)
        nothing = torch.zeros(6, 5)
        moved = [
            torch.cat([phase[:, turn] + 3.0, nothing], dim=1),
            torch.cat([mag[:, turn] + 15.2, nothing], dim=1),
            torch.cat([weight[:, turn], nothing], dim=1),
        ]
        mu2, logvar2, amplitude2 = vae.encode(*moved, physics, star_class)
        torch.testing.assert_close(mu2, mu, atol=2e-3, rtol=0)
        torch.testing.assert_close(logvar2, logvar, atol=2e-3, rtol=0)
        torch.testing.assert_close(amplitude2, amplitude, atol=1e-4, rtol=0)
        # Magnitudes and errors three times larger: the same shape, three times the amplitude.
        summary, _ = vae.encoder.summarise(phase, mag, weight, star_class)
        scaled, size = vae.encoder.summarise(phase, 3 * mag, weight / 9, star_class)
        torch.testing.assert_close(scaled, summary, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(size, 3 * amplitude, atol=1e-3, rtol=1e-3)


def test_measured_amplitude_is_the_true_one(vae: HarmonicVAE, batch: tuple[torch.Tensor, ...]) -> None:
    phase, mag, weight, _, star_class = batch
    _, amplitude = vae.encoder.summarise(phase, mag, weight, star_class)
    torch.testing.assert_close(amplitude, torch.full((6,), 0.4), atol=0.08, rtol=0)


def test_summary_widens_with_noise(vae: HarmonicVAE, batch: tuple[torch.Tensor, ...]) -> None:
    phase, mag, weight, _, star_class = batch
    sharp, _ = vae.encoder.summarise(phase, mag, weight, star_class)
    blunt, _ = vae.encoder.summarise(phase, mag, weight / 400, star_class)
    n = CONFIG.n_axes
    assert (blunt[:, n : 2 * n] > sharp[:, n : 2 * n]).all()
    assert (blunt[:, n : 2 * n] <= 1.0 + 1e-6).all()


def test_gradient_reaches_every_parameter(vae: HarmonicVAE, batch: tuple[torch.Tensor, ...]) -> None:
    phase, mag, weight, physics, star_class = batch
    mu, logvar, _ = vae.encode(phase, mag, weight, physics, star_class)
    decoded = vae.decoder(mu + logvar.exp(), physics, star_class)
    (decoded**2).sum().backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_physics_reach_the_decoder(vae: HarmonicVAE) -> None:
    z, physics = torch.zeros(1, 4), torch.randn(1, 4)
    physics.requires_grad_()
    (vae.decoder(z, physics, torch.tensor([6]))[0, 3]).backward()
    assert (physics.grad != 0).all()


def test_basis_rebuilds_its_stars() -> None:
    truth = shapes(30)
    config = ModelConfig(n_harmonics=12, n_axes=24)
    basis = ClassBasis(config)
    basis.set_statistics(truth, np.full(30, 2))
    mean, axes = basis.mean[2].numpy(), basis.axes[2].numpy()
    weights, *_ = np.linalg.lstsq(axes.T, (truth - mean).T, rcond=None)
    np.testing.assert_allclose(mean + weights.T @ axes, truth, atol=1e-4)
    assert weights.std(axis=1)[:5] == pytest.approx(np.ones(5), abs=0.05)
    phase = torch.tensor([[0.123, 0.9]])
    here = basis.curves(phase, torch.tensor([2]))[0, :, 0].numpy()
    k = np.arange(1, 13)
    angle = 2 * np.pi * np.array([[0.123], [0.9]]) * k
    exact = np.cos(angle) @ mean[:12] + np.sin(angle) @ mean[12:]
    np.testing.assert_allclose(here, exact, atol=1e-4)


def test_single_thread_leaves_the_setting() -> None:
    before = torch.get_num_threads()
    with single_thread():
        assert torch.get_num_threads() == 1
        assert torch.is_inference_mode_enabled()
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()


def test_coefficients_are_the_sum_over_axes(vae: HarmonicVAE) -> None:
    basis, kind = vae.encoder.basis, torch.tensor([1, 6, 6, 1, 6])
    weights = torch.randn(5, CONFIG.n_axes, generator=torch.Generator().manual_seed(1))
    plain = basis.mean[kind] + torch.einsum("nr,nrk->nk", weights, basis.axes[kind])
    torch.testing.assert_close(basis.coefficients(weights, kind), plain)
    torch.testing.assert_close(
        vae.decoder(torch.zeros(2, 4), torch.zeros(2, 4), kind[:2], scaled=False)[1],
        vae.decoder(torch.zeros(1, 4), torch.zeros(1, 4), kind[1:2], scaled=False)[0],
    )


def test_binaries_stay_mirror_symmetric_unless_they_are_not() -> None:
    """Small odd weights decode to next to nothing, large ones to themselves, others unchanged."""
    ecl, rr = 3, 6
    basis = ClassBasis(ModelConfig(n_harmonics=12, n_axes=10, odd_shrink=0.5))
    stars = shapes(60)
    stars[:50, 12:] = 0.0  # symmetric, but for ten eccentric ones
    basis.set_statistics(np.concatenate([stars, stars]), np.repeat([ecl, rr], 60))
    axes = basis.axes[ecl]
    even, odd = (axes[:, part].abs().amax(dim=1) > 0 for part in (slice(0, 12), slice(12, None)))
    assert even.any()
    assert odd.any()
    assert not (even & odd).any()
    assert (basis.mean[ecl, 12:] == 0).all()

    def sines(weight: float, kind: int) -> float:
        given = torch.full((1, 10), weight)
        part = basis.coefficients(given, torch.tensor([kind])) - basis.mean[kind]
        plain = weight * basis.axes[kind].sum(dim=0)
        return float(part[0, 12:].norm() / plain[12:].norm())

    assert sines(0.05, ecl) < 0.02
    assert sines(4.0, ecl) > 0.97
    assert sines(0.05, rr) == pytest.approx(1.0, abs=1e-5)


def test_perfect_points_do_not_break_the_fit(vae: HarmonicVAE, batch: tuple[torch.Tensor, ...]) -> None:
    phase, mag, weight, physics, kind = batch
    mu, logvar, _ = vae.encode(phase, 10 * mag, 1e10 * weight, physics, kind)
    assert torch.isfinite(mu).all()
    assert torch.isfinite(logvar).all()


def test_thousands_of_precise_points_are_encoded() -> None:
    """In single precision the prior of faint axes drowns, and the fit has no solution."""
    model = LightCurveModel.load()
    stars = model.sample("Mira", n=20, seed=2)
    curves = model.phase_curve(stars)
    phase = np.random.default_rng(0).random((20, 2000))
    mag = stars.amplitude_i[:, None] * curves.evaluate(phase)
    error = np.broadcast_to(1e-5 * stars.amplitude_i[:, None], phase.shape)
    mu, logvar = model.encode(phase, mag, error, stars)
    assert np.isfinite(mu).all()
    assert np.isfinite(logvar).all()
    physics = physics_matrix(stars)
    again, _ = model.decode(mu, stars.star_class, physics)
    grid = np.arange(200) / 200
    assert np.sqrt(np.mean((again.evaluate(grid) - curves.evaluate(grid)) ** 2)) < 0.03
    model.network.train()  # where single precision is used, for speed
    with pytest.raises(RuntimeError, match="positive-definite"):
        model.encode(phase, mag, error, stars)
    model.network.eval()

"""Maps from physical parameters to latent coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.latent.conditions import LatentMapConfig
from pelsvae_cadence.model.latent.flow import FlowMap, KernelFlowMap
from pelsvae_cadence.model.latent.linear import LinearMap
from pelsvae_cadence.model.latent.mapping import LATENT_MAPS
from pelsvae_cadence.model.reference_stars import GROUPS

SMALL = LatentMapConfig(n_latent=4, transforms=2, hidden=16)


def stars(n: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latent coordinates that depend on temperature and amplitude, in two groups."""
    rng = np.random.default_rng(0)
    physics = np.stack(
        [rng.normal(-0.25, 0.06, n), rng.normal(3.8, 0.02, n), rng.normal(0.5, 0.1, n), np.zeros(n)], axis=1
    )
    hot = (physics[:, 1] - 3.8) / 0.02
    physics[:, 3] = -0.3 + 0.1 * hot + 0.05 * rng.normal(size=n)
    z = 0.3 * rng.normal(size=(n, 4))
    z[:, 0] += 2.0 * hot
    z[:, 1] += 10.0 * (physics[:, 3] + 0.3)
    return z, physics, np.where(np.arange(n) % 2, 3, 13)


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.as_tensor(a, dtype=torch.float32 if a.dtype.kind == "f" else None) for a in arrays]


@pytest.fixture
def flow() -> FlowMap:
    torch.manual_seed(0)
    flow = FlowMap(SMALL)
    z, physics, group = stars()
    flow.set_statistics(z, physics, group)
    return flow


def test_draw_inverts_the_density(flow: FlowMap) -> None:
    z, physics, group = tensors(*stars(50))
    with torch.no_grad():
        scaled = (z - flow.z_centre[group]) / flow.z_scale[group]
        noise = flow.shape(flow.full_context(physics, group)).transform(scaled)
        back = flow.draw(physics, group, noise)
    torch.testing.assert_close(back, z, atol=1e-3, rtol=1e-3)


def test_fast_draws_are_the_flow_s_own(flow: FlowMap) -> None:
    with torch.no_grad():
        for parameter in flow.parameters():  # far from the identity that a flow starts as
            parameter.mul_(2.0)
        _, physics, group = tensors(*stars(500))
        noise = 2.5 * torch.randn(500, 4)  # some beyond the splines' domain of [-5, 5]
        slow = (flow.draw(physics, group, noise), flow.draw_log_amplitude(physics, group, noise[:, :1]))
        flow.freeze()
        fast = (flow.draw(physics, group, noise), flow.draw_log_amplitude(physics, group, noise[:, :1]))
    assert (noise.abs() > 5).any()
    assert not torch.equal(slow[0], fast[0])  # two computations, not one twice
    torch.testing.assert_close(fast[0], slow[0], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(fast[1], slow[1], atol=1e-4, rtol=1e-3)


def test_gradient_reaches_every_parameter(flow: FlowMap) -> None:
    z, physics, group = tensors(*stars(200))
    first, second = flow.log_prob(z, physics, group)
    (-(first + second).mean()).backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("name", sorted(LATENT_MAPS))
def test_draws_use_only_the_noise_given(name: str) -> None:
    z, physics, group = stars(20)
    torch.manual_seed(1)
    chosen = LATENT_MAPS[name](replace(SMALL, anchors=20 if name == "kernel-flow" else 0))
    if isinstance(chosen, KernelFlowMap):
        chosen.set_anchors(z, physics, group)
    physics, group = tensors(physics, group)
    random = KeyedRandom(seed=3)
    noise, size_noise = tensors(
        chosen.noise("latent", random, np.arange(20)), chosen.noise("amplitude", random, np.arange(20))
    )
    state = torch.random.get_rng_state()
    first = chosen.draw(physics, group, noise)
    a = chosen.draw_log_amplitude(physics, group, size_noise)
    assert first.shape == (20, 4)
    assert a.shape == (20,)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(chosen.draw(physics, group, noise), first)
    assert torch.equal(chosen.draw_log_amplitude(physics, group, size_noise), a)
    # The amplitude is drawn from period, temperature and luminosity; its own column is unread.
    assert torch.equal(chosen.draw_log_amplitude(physics[:, :3], group, size_noise), a)


def kernel_map(width: float, n: int = 2000) -> tuple[KernelFlowMap, list[torch.Tensor]]:
    """A map with anchors whose flow is untrained, and the anchors' stars."""
    torch.manual_seed(0)
    z, physics, group = stars(n)
    # Two kinds of star at each temperature, with nothing in between.
    z[:, 2] = np.where(np.random.default_rng(1).random(n) < 0.5, -1.0, 1.0)
    chosen = KernelFlowMap(replace(SMALL, anchors=n, width=width)).eval()
    chosen.set_statistics(z, physics, group)
    chosen.set_anchors(z, physics, group)
    chosen.freeze()
    return chosen, tensors(z, physics, group)


def drawn_by(chosen: KernelFlowMap, physics: torch.Tensor, group: torch.Tensor) -> np.ndarray:
    noise = chosen.noise("latent", KeyedRandom(seed=5), np.arange(len(physics)))
    with torch.no_grad():
        return chosen.draw(physics, group, *tensors(noise)).numpy()


def test_kernels_keep_what_a_gaussian_blurs() -> None:
    sharp, (z, physics, group) = kernel_map(0.2)
    plain, _ = kernel_map(1.0)
    between = [np.mean(np.abs(drawn_by(m, physics, group)[:, 2]) < 0.3) for m in (sharp, plain)]
    assert between[0] < 0.02
    assert between[1] > 0.1
    # Relations with the conditions are those of the stars.
    drawn = drawn_by(sharp, physics, group)
    for column in (0, 1):
        assert np.corrcoef(z[:, column], drawn[:, column])[0, 1] > 0.85
    assert drawn.std(axis=0) == pytest.approx(z.numpy().std(axis=0), rel=0.1)


def test_kernel_draws_do_not_repeat_stars() -> None:
    chosen, (z, physics, group) = kernel_map(0.3)
    drawn = drawn_by(chosen, physics, group)
    nearest = torch.cdist(torch.as_tensor(drawn), z).min(dim=1).values
    own = torch.cdist(z, z).kthvalue(2, dim=1).values
    assert nearest.median() > 0.5 * own.median()
    assert (nearest < 1e-3).sum() == 0


def test_kernel_draws_do_not_feel_their_company() -> None:
    chosen, (_, physics, group) = kernel_map(0.3, n=256)
    noise = chosen.noise("latent", KeyedRandom(seed=5), np.arange(256))
    (noise,) = tensors(noise)
    together = chosen.draw(physics[:128], group[:128], noise[:128])
    mixed = torch.arange(128) % 64
    apart = chosen.draw(physics[mixed], group[mixed], noise[mixed])
    assert torch.equal(together[:64], apart[:64])


def test_groups_without_anchors_are_drawn_from_the_gaussian() -> None:
    chosen, (_, physics, group) = kernel_map(0.3, n=200)
    noise = chosen.noise("latent", KeyedRandom(seed=5), np.arange(200))
    (noise,) = tensors(noise)
    elsewhere = torch.zeros_like(group)
    plain = FlowMap(SMALL).eval()
    plain.load_state_dict(chosen.state_dict(), strict=False)
    plain.freeze()
    with torch.no_grad():
        assert torch.equal(
            chosen.draw(physics, elsewhere, noise), plain.draw(physics, elsewhere, noise[:, :-1])
        )


def test_width_of_the_kernels_is_checked() -> None:
    with pytest.raises(InputError, match="width = 0"):
        LatentMapConfig(width=0.0)


def test_linear_map_finds_the_slopes() -> None:
    z, physics, group = stars(4000)
    linear = LinearMap(SMALL)
    linear.fit(z, physics, group)
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(4000, 4))
    drawn = linear.draw(*tensors(physics, group, noise)).numpy()
    hot = (physics[:, 1] - 3.8) / 0.02
    assert np.polyfit(hot, drawn[:, 0], 1)[0] == pytest.approx(2.0, abs=0.05)
    assert drawn[:, 2].std() == pytest.approx(0.3, abs=0.02)
    size = linear.draw_log_amplitude(*tensors(physics, group, noise[:, :1])).numpy()
    assert np.polyfit(hot, size, 1)[0] == pytest.approx(0.1, abs=0.01)
    assert np.std(size - 0.1 * hot) == pytest.approx(0.05, abs=0.01)


def test_statistics_are_shared_by_both_contexts(flow: FlowMap) -> None:
    assert torch.equal(flow.context.centre, flow.full_context.centre)
    assert flow.context.centre[3, 1] == pytest.approx(3.8, abs=0.01)
    assert len(flow.context.centre) == len(GROUPS)

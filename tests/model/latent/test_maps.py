"""Maps from physical parameters to latent coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.model.latent.conditions import MAP_KINDS, LatentMapConfig
from pelsvae_cadence.model.latent.flow import FlowMap, KernelFlowMap
from pelsvae_cadence.model.latent.kernels import FlowDraws, KernelDraws
from pelsvae_cadence.model.latent.kinds import LATENT_MAPS
from pelsvae_cadence.model.latent.linear import LinearMap
from pelsvae_cadence.model.reference_stars import GROUPS
from pelsvae_cadence.model.weights import Weights, module_tensors

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


class Fixed:
    """Numbers given in advance, in place of keyed ones."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def normal(self, purpose: str, star_id: np.ndarray, item: np.ndarray) -> np.ndarray:
        return self.numbers[star_id, item]


def in_numpy(module: FlowMap) -> FlowDraws:
    """The draws of a trained map, of its tensors alone."""
    weights = Weights(name="test", tensors=module_tensors(module), card={}, hash="")
    kind = KernelDraws if isinstance(module, KernelFlowMap) else FlowDraws
    return kind(weights, module.config)


def test_draws_in_numpy_are_the_flow_s_own(flow: FlowMap) -> None:
    with torch.no_grad():
        for parameter in flow.parameters():  # far from the identity that a flow starts as
            parameter.mul_(2.0)
        flow.double()
        _, physics, group = stars(500)
        noise = 2.5 * np.random.default_rng(7).normal(size=(500, 4))  # some beyond the domain of [-5, 5]
        given = torch.as_tensor(physics), torch.as_tensor(group)
        theirs = flow.draw(*given, torch.as_tensor(noise)).numpy()
        sizes = flow.draw_log_amplitude(*given, torch.as_tensor(noise[:, :1])).numpy()
    draws, ids = in_numpy(flow), np.arange(500)
    assert (np.abs(noise) > 5).any()
    assert not np.allclose(theirs, noise, atol=0.1)
    np.testing.assert_allclose(draws.sample(physics, group, ids, Fixed(noise)), theirs, atol=1e-6, rtol=1e-6)
    ours = draws.sample_log_amplitude(physics, group, ids, Fixed(noise), lambda _: (1e-9, 1e9))
    np.testing.assert_allclose(ours, sizes, atol=1e-6, rtol=1e-6)


def test_gradient_reaches_every_parameter(flow: FlowMap) -> None:
    z, physics, group = tensors(*stars(200))
    first, second = flow.log_prob(z, physics, group)
    (-(first + second).mean()).backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_every_kind_of_map_can_be_made() -> None:
    assert tuple(LATENT_MAPS) == MAP_KINDS


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


def kernel_map(width: float, n: int = 2000) -> tuple[KernelDraws, tuple[np.ndarray, ...]]:
    """A map with anchors whose flow is untrained, and the anchors' stars."""
    torch.manual_seed(0)
    z, physics, group = stars(n)
    # Two kinds of star at each temperature, with nothing in between.
    z[:, 2] = np.where(np.random.default_rng(1).random(n) < 0.5, -1.0, 1.0)
    chosen = KernelFlowMap(replace(SMALL, anchors=n, width=width)).eval()
    chosen.set_statistics(z, physics, group)
    chosen.set_anchors(z, physics, group)
    return in_numpy(chosen), (z, physics, group)


def drawn_by(chosen: KernelDraws, physics: np.ndarray, group: np.ndarray) -> np.ndarray:
    return chosen.sample(physics, group, np.arange(len(physics)), KeyedRandom(seed=5))


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
    assert drawn.std(axis=0) == pytest.approx(z.std(axis=0), rel=0.1)


def test_kernel_draws_do_not_repeat_stars() -> None:
    chosen, (z, physics, group) = kernel_map(0.3)
    drawn = drawn_by(chosen, physics, group)
    nearest = cdist(drawn, z).min(axis=1)
    own = np.sort(cdist(z, z), axis=1)[:, 1]
    assert np.median(nearest) > 0.5 * np.median(own)
    assert (nearest < 1e-3).sum() == 0


def test_the_nearest_anchors_are_chosen() -> None:
    """Beside the weights of the kernels written out for each star and each anchor."""
    torch.manual_seed(0)
    z, physics, group = stars(60)
    module = KernelFlowMap(replace(SMALL, anchors=60)).eval()
    module.set_statistics(z, physics, group)
    module.set_anchors(z, physics, group)
    mine = group == 3
    rows = module.anchors[torch.as_tensor(mine)].double().numpy()
    conditions, size = rows[:, :3], rows[:, 3]
    distance = np.sqrt(((conditions[:, None] - conditions) ** 2).sum(axis=2))
    reach = np.maximum(0.5 * np.sort(distance, axis=1)[:, SMALL.neighbours], 0.03)
    weight = reach**-3 * np.exp(-0.5 * (distance / reach) ** 2)
    known = weight * np.exp(-0.5 * ((size[:, None] - size) / 0.25) ** 2)
    draws = in_numpy(module)._anchors(3)
    rng = np.random.default_rng(2)
    for w, given in ((weight, None), (known, size)):
        share = np.cumsum(w, axis=1) / w.sum(axis=1, keepdims=True)
        for place in rng.random((20, mine.sum())):
            filled = np.resize(np.arange(mine.sum()), 32)
            at = None if given is None else given[filled]
            chosen = draws.choose(conditions[filled], at, place[filled])[: mine.sum()]
            wanted = np.count_nonzero(share < place[:, None], axis=1)
            near = np.abs(share - place[:, None]).min(axis=1) < 1e-9
            np.testing.assert_array_equal(chosen[~near], wanted[~near])


def test_groups_without_anchors_are_drawn_from_the_gaussian() -> None:
    z, physics, group = stars(200)
    elsewhere, ids = np.zeros_like(group), np.arange(200)
    noise = np.random.default_rng(3).normal(size=(200, 5))
    torch.manual_seed(0)
    kernels = KernelFlowMap(replace(SMALL, anchors=200)).eval()
    kernels.set_statistics(z, physics, group)
    kernels.set_anchors(z, physics, group)
    plain = FlowMap(SMALL).eval()
    plain.load_state_dict(kernels.state_dict(), strict=False)
    drawn = in_numpy(kernels).sample(physics, elsewhere, ids, Fixed(noise))
    np.testing.assert_array_equal(
        drawn, in_numpy(plain).sample(physics, elsewhere, ids, Fixed(noise[:, :-1]))
    )


def test_damaged_tensors_are_refused() -> None:
    module = KernelFlowMap(replace(SMALL, anchors=4))
    good = Weights(name="mine", tensors=module_tensors(module), card={}, hash="")
    KernelDraws(good, module.config)
    for name, value, words in (
        ("shape.transform.transforms.1.hyper.2.weight", np.zeros((3, 3)), "lack a usable shape.transform"),
        ("shape.transform.transforms.0.order", np.array([0, 1, 2, 3]), "more than two passes"),
        ("anchor_group", np.full(4, 99, np.uint8), "anchors of unknown groups"),
        ("z_scale", None, "lack a usable z_scale"),
    ):
        tensors = {k: v for k, v in (good.tensors | {name: value}).items() if v is not None}
        with pytest.raises(InputError, match=words):
            KernelDraws(replace(good, tensors=tensors), module.config)


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

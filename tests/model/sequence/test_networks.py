"""The paper's sequence networks: architecture, loss, and the wrapper that meets the cadence."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.sequence.curves import close_period, decode_curves, decode_steps, periodic_curves
from pelsvae_cadence.model.sequence.layers import CausalConvolutions
from pelsvae_cadence.model.sequence.networks import (
    PAPER_CONFIGS,
    SequenceConfig,
    SequenceVAE,
    paper_config,
    sequence_loss,
    training_tags,
)
from pelsvae_cadence.model.weights import config_fields

KINDS = ("tcn", "gru", "lstm")
GRID = np.arange(4096) / 4096


def small(layers: str, **changes) -> SequenceConfig:
    sizes = {"n_layers": 4 if layers == "tcn" else 2, "hidden": 12, "n_steps": 60, **changes}
    return SequenceConfig(layers=layers, **sizes)


@pytest.fixture(params=KINDS)
def vae(request: pytest.FixtureRequest) -> SequenceVAE:
    """A small network with weights large enough that its output varies."""
    torch.manual_seed(3)
    network = SequenceVAE(small(request.param, n_physics=3)).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.3)
    return network


def stars_of(n: int, n_latent: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, n_latent)), np.array(STAR_CLASSES)[np.arange(n) % 8]


# --- architecture ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (paper_config("paper-tcn"), 300_945),
        (paper_config("paper-tcn", n_physics=0), 300_897),
        (paper_config("paper-tcn", n_layers=8, n_latent=6), 255_125),
        (paper_config("paper-gru", n_physics=0), 46_381),
    ],
)
def test_as_many_parameters_as_the_published_networks(config, parameters):
    """The numbers that the authors' configurations state."""
    assert sum(p.numel() for p in SequenceVAE(config).parameters()) == parameters


def test_the_lstm_has_four_gates_where_the_gru_has_three():
    counts = {}
    for kind in ("gru", "lstm"):
        vae = SequenceVAE(paper_config(f"paper-{kind}"))
        counts[kind] = sum(p.numel() for p in vae.decoder.sequence.parameters())
    assert 3 * counts["lstm"] == 4 * counts["gru"]


def test_configurations_are_frozen_and_jsonable():
    config = paper_config("paper-lstm", n_classes=0)
    with pytest.raises(FrozenInstanceError, match="hidden"):
        config.hidden = 3
    again = json.loads(json.dumps(config_fields(config)))
    assert SequenceConfig(**again) == config
    assert set(PAPER_CONFIGS) == {"paper-tcn", "paper-gru", "paper-lstm"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": "rnn"}, "rnn.*'tcn', 'gru', 'lstm'"),
        ({"n_layers": 3}, "n_layers = 3.*4 or more"),
        ({"hidden": 0}, "hidden = 0"),
        ({"hidden": 2.0}, "hidden = 2.0"),
        ({"n_steps": 601}, "601 is odd"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"dense": ()}, r"dense = \(\)"),
        ({"n_physics": -1}, "n_physics = -1.*0 or more"),
    ],
)
def test_impossible_configurations_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        paper_config("paper-tcn", **changes)


def test_unknown_configuration():
    with pytest.raises(InputError, match="paper-tcn, paper-gru, paper-lstm"):
        paper_config("paper-transformer")


def test_steps_see_themselves_and_their_past_only(vae):
    rng = np.random.default_rng(0)
    steps = torch.as_tensor(rng.uniform(size=(2, 60, 3)), dtype=torch.float32)
    other = steps.clone()
    other[:, 40:] += 1.0
    with torch.inference_mode():
        a, b = vae.encoder.sequence(steps), vae.encoder.sequence(other)
    torch.testing.assert_close(a[:, :40], b[:, :40], rtol=0, atol=1e-6)
    assert (a[:, 40] - b[:, 40]).abs().max() > 1e-3


def test_receptive_field_of_the_convolutions():
    """Two convolutions a block reach 1 + 2 (kernel - 1) (2^blocks - 1) steps back."""
    layers = CausalConvolutions(1, (4, 4, 4), kernel_size=3, dropout=0.0).double()
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.fill_(0.5)
    x = torch.ones(1, 60, 1, dtype=torch.float64, requires_grad=True)
    layers(x)[0, -1].sum().backward()
    seen = torch.nonzero(x.grad[0, :, 0])[:, 0]
    assert seen.tolist() == list(range(60 - 29, 60))


def test_conditions_reach_the_encoder_and_class_the_decoder(vae):
    steps = torch.rand(1, 60, 3, generator=torch.Generator().manual_seed(0))
    kind, physics = torch.tensor([1]), torch.tensor([[0.1, 0.5, 0.4]])
    with torch.inference_mode():
        mu, _ = vae.encoder(steps, kind, physics)
        assert (vae.encoder(steps, kind, physics + 0.3)[0] - mu).abs().max() > 1e-3
        assert (vae.encoder(steps, kind + 3, physics)[0] - mu).abs().max() > 1e-3
        tags = training_tags(60)
        curve = vae.decoder(mu, tags, kind)
        assert (vae.decoder(mu, tags, kind + 3) - curve).abs().max() > 1e-3
        with pytest.raises(InputError, match="needs the class"):
            vae.decoder(mu, tags)
        with pytest.raises(InputError, match="needs the physics"):
            vae.encoder(steps, kind)


def test_physics_and_errors_in_the_decoder():
    config = small("gru", n_physics=2, physics_in_decoder=True, decode_errors=True)
    vae = SequenceVAE(config).eval()
    z, kind, physics = torch.zeros(1, 4), torch.tensor([0]), torch.tensor([[0.2, 0.8]])
    with torch.inference_mode():
        a = vae.decoder(z, training_tags(60), kind, physics)
        b = vae.decoder(z, training_tags(60), kind, physics.flip(1))
    assert a.shape == (1, 60, 2)
    assert (a > 0).all()
    assert (a < 1).all()
    assert (a - b).abs().max() > 1e-3
    with pytest.raises(InputError, match="needs the physical parameters"):
        decode_steps(vae.decoder, z, ["CEP"])
    assert decode_steps(vae.decoder, z, ["ACEP"], physics) == pytest.approx(a[..., 0].numpy())


def test_a_plain_vae_needs_no_conditions():
    vae = SequenceVAE(small("gru", n_classes=0)).eval()
    decoded, mu, _ = vae(torch.rand(3, 60, 3))
    assert decoded.shape == (3, 60, 1)
    assert mu.shape == (3, 4)


def test_reparameterisation_draws_from_the_posterior(vae):
    steps = torch.rand(1, 60, 3, generator=torch.Generator().manual_seed(0))
    kind, physics = torch.tensor([1]), torch.tensor([[0.1, 0.5, 0.4]])
    with torch.inference_mode():
        decoded, mu, logvar = vae(steps, kind, physics, generator=torch.Generator().manual_seed(5))
        noise = torch.randn(1, 4, generator=torch.Generator().manual_seed(5))
        z = mu + logvar.exp().sqrt() * noise
        torch.testing.assert_close(decoded, vae.decoder(z, steps[..., 0], kind))
        assert (vae.decoder(mu, steps[..., 0], kind) - decoded).abs().max() > 1e-4


# --- loss -----------------------------------------------------------------------------------


def test_loss_by_hand():
    rng = np.random.default_rng(1)
    steps = rng.uniform(0.1, 0.9, size=(3, 10, 3))
    decoded = rng.uniform(0.1, 0.9, size=(3, 10, 2))
    mu, logvar = rng.normal(size=(2, 3, 4))
    tensors = [torch.as_tensor(v) for v in (decoded, steps, mu, logvar)]
    residual = decoded[..., 0] - steps[..., 1]
    kl = 0.5 * np.sum(mu**2 + np.exp(logvar) - logvar - 1, axis=1).mean()

    published = sequence_loss(tensors[0][..., :1], *tensors[1:], weighted=False)
    assert float(published.total) == pytest.approx(np.mean(residual**2) + 7.5e-5 * kl)

    full = sequence_loss(*tensors, beta=2.0, error_weight=0.3)
    given, found = steps[..., 2], decoded[..., 1]
    chi_square = np.mean((residual / given) ** 2)
    gaussian = np.mean(np.log(found / given) + given**2 / (2 * found**2) - 0.5)
    assert float(full.errors) == pytest.approx(gaussian)
    assert float(full.total) == pytest.approx(chi_square + 2e-4 * kl + 0.3 * gaussian)

    tensors[0][..., 1] = tensors[1][..., 2]
    assert float(sequence_loss(*tensors).errors) == pytest.approx(0.0, abs=1e-15)


def test_a_weighted_loss_refuses_errors_of_zero():
    steps, decoded, z = torch.zeros(1, 4, 3), torch.zeros(1, 4, 1), torch.zeros(1, 2)
    with pytest.raises(InputError, match=r"not positive.*weighted=False"):
        sequence_loss(decoded, steps, z, z)
    assert float(sequence_loss(decoded, steps, z, z, weighted=False).total) == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_reaches_every_parameter_and_training_helps(kind):
    torch.manual_seed(0)
    layers = 4 if kind == "tcn" else 1
    config = small(kind, n_layers=layers, hidden=16, n_steps=20, dropout=0.0, decode_errors=True)
    vae = SequenceVAE(config)
    generator = torch.Generator().manual_seed(1)
    phase = torch.arange(20) / 10.0
    amplitude = 0.15 + 0.25 * torch.rand(32, 1, generator=generator)
    mag = 0.5 + amplitude * torch.cos(2 * torch.pi * phase)
    steps = torch.stack([training_tags(20).expand(32, 20), mag, torch.full_like(mag, 0.05)], 2)
    label = torch.arange(32) % 8
    constant = float(((mag - 0.5) ** 2 / 0.05**2).mean())
    optimiser = torch.optim.Adam(vae.parameters(), lr=1e-2)
    losses = []
    for _ in range(60 if kind == "tcn" else 120):
        decoded, mu, logvar = vae(steps, label, generator=generator)
        loss = sequence_loss(decoded, steps, mu, logvar)
        optimiser.zero_grad()
        loss.total.backward()
        losses.append(float(loss.reconstruction.detach()))
        if len(losses) == 1:
            dead = [n for n, p in vae.named_parameters() if p.grad is None or not p.grad.any()]
            assert not dead
        optimiser.step()
    # Measured 0.6 to 1 where a constant has 16.7: amplitudes are told apart to the errors.
    assert max(losses[-5:]) < 0.2 * constant


# --- the cadence contract -------------------------------------------------------------------


def test_a_magnitude_does_not_depend_on_other_visits(vae):
    """Permuting, thinning and adding phases changes no bit of the others, nor do other stars."""
    latent, names = stars_of(5)
    rng = np.random.default_rng(0)
    phase = rng.uniform(-3, 300, 200)
    curves = decode_curves(vae.decoder, latent, names, n_harmonics=14).curves
    full = curves.evaluate(phase)
    order = rng.permutation(200)
    np.testing.assert_array_equal(curves.evaluate(phase[order]), full[:, order])
    np.testing.assert_array_equal(curves.evaluate(phase[:7]), full[:, :7])
    more = np.concatenate([rng.uniform(size=50), phase])
    np.testing.assert_array_equal(curves.evaluate(more)[:, 50:], full)
    alone = decode_curves(vae.decoder, latent[3:4], names[3:4], n_harmonics=14).curves
    np.testing.assert_array_equal(alone.evaluate(phase)[0], full[3])


def test_rows_do_not_depend_on_their_block(vae):
    latent, names = stars_of(37)
    full = decode_steps(vae.decoder, latent, names)
    order = np.random.default_rng(2).permutation(37)
    shuffled = decode_steps(vae.decoder, latent[order], names[order])
    np.testing.assert_array_equal(shuffled, full[order])
    assert decode_steps(vae.decoder, latent[:0], names[:0]).shape == (0, 60)


def test_dropout_is_off_while_decoding_and_back_after(vae):
    latent, names = stars_of(2)
    quiet = decode_steps(vae.decoder, latent, names)
    vae.train()
    np.testing.assert_array_equal(decode_steps(vae.decoder, latent, names), quiet)
    assert vae.decoder.training


def test_conventions_of_the_curves(vae):
    latent, names = stars_of(16)
    result = decode_curves(vae.decoder, latent, names, n_harmonics=12)
    values = result.curves.evaluate(GRID)
    assert np.ptp(values, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert values.mean(axis=1) == pytest.approx(0.0, abs=1e-12)
    binary = np.isin(names, ["ECL", "ELL"])
    zero = values[:, 0]
    assert zero[~binary] == pytest.approx(values[~binary].min(axis=1), abs=1e-5)
    assert zero[binary] == pytest.approx(values[binary].max(axis=1), abs=1e-5)


def test_a_known_series_comes_back():
    """Two periods of three harmonics: exact, whatever the phase zero, with a known residual."""
    phase = np.arange(120) / 60
    steps = 0.5 + 0.2 * np.cos(2 * np.pi * (phase - 0.3)) + 0.06 * np.sin(6 * np.pi * phase)
    # The last two steps of a curve extrapolate to its start up to second order only.
    closed, gap = close_period(steps[None])
    assert abs(gap[0]) < 0.03
    result = periodic_curves(steps[None], ["CEP"], n_harmonics=29)
    wanted = closed[0] - closed[0].mean()
    found = result.amplitude[0] * result.curves.evaluate(phase[60:] - result.shift[0])[0]
    assert found == pytest.approx(wanted, abs=5e-4)
    assert result.period_mismatch[0] == pytest.approx(0.0, abs=1e-12)
    assert result.sound.tolist() == [True]

    narrow = periodic_curves(steps[None], ["CEP"], n_harmonics=2)
    expected = 0.06 / np.sqrt(2.0) / narrow.amplitude[0]
    assert narrow.residual[0] == pytest.approx(expected, rel=0.1)


def test_the_wrap_is_closed():
    """A drift from one period to the next is taken out as a straight line."""
    phase = np.arange(200) / 100
    drift = 0.05 * phase
    curve = 0.5 + 0.2 * np.cos(2 * np.pi * phase)
    closed, gap = close_period((curve + drift)[None])
    flat, no_gap = close_period(curve[None])
    assert gap - no_gap == pytest.approx([0.05], abs=1e-12)
    # The middle of the kept period keeps its value, 1.5 cycles into the drift.
    assert closed - flat == pytest.approx(np.full((1, 100), 0.05 * 1.5), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: decode_steps(d, np.zeros((2, 3)), ["CEP", "CEP"]), r"\(2, 3\), expected"),
        (lambda d: decode_steps(d, np.full((1, 4), np.nan), ["CEP"]), "latent is not finite"),
        (lambda d: decode_steps(d, np.zeros((1, 4)), ["Cepheid"]), "unknown star class"),
        (lambda _: close_period(np.zeros((1, 7))), "even number"),
        (lambda _: periodic_curves(np.ones((1, 60)), ["CEP"], n_harmonics=8), "constant"),
        (lambda _: periodic_curves(np.ones((1, 60)), ["CEP"], n_harmonics=15), "1 to 14"),
        (lambda _: periodic_curves(np.ones((2, 60)), ["CEP"], n_harmonics=8), "1 classes.*2"),
    ],
)
def test_wrong_inputs_are_refused(vae, call, message):
    with pytest.raises(InputError, match=message):
        call(vae.decoder)

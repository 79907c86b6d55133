"""The published networks on their own weights: what they give, and why they are wrapped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save_file

from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.reference_stars import class_index
from pelsvae_cadence.model.sequence.curves import close_period, periodic_curves
from pelsvae_cadence.model.sequence.networks import training_tags
from pelsvae_cadence.model.sequence.published import PUBLISHED_NETWORKS, PublishedNetwork, PublishedWarning
from pelsvae_cadence.simulation.simulate import noise_free_magnitudes
from pelsvae_cadence.stars import Stars

NAME = "yp4qdw1r"
PER_CLASS = 20
GRID = np.arange(4096) / 4096


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "pelsvae_published"


@pytest.fixture(scope="module")
def network(folder: Path) -> PublishedNetwork:
    with pytest.warns(PublishedWarning, match="physical parameters do not reach its decoder"):
        return PublishedNetwork.load(folder)


@pytest.fixture(scope="module")
def decoded(folder: Path) -> dict[str, np.ndarray]:
    """Rows of the decoded curves, the same number for every class, spread over the file."""
    table = np.load(folder / "decoded_i_band.npz")
    latent = np.load(folder / f"latent_{NAME}.npz")
    label = table["label"]
    np.testing.assert_array_equal(label, latent["label"])
    rows = np.concatenate(
        [np.flatnonzero(label == k)[:: (label == k).sum() // PER_CLASS][:PER_CLASS] for k in range(8)]
    )
    chosen = {key: table[key][rows] for key in ("y", "wrap_gap", "amp", "sound")}
    return {
        **chosen,
        "mu": latent["mu"][rows],
        "phase": table["phase"],
        "star_class": latent["classes"][label[rows]],
    }


@pytest.fixture(scope="module")
def steps(network: PublishedNetwork, decoded: dict[str, np.ndarray]) -> np.ndarray:
    return network.decode_steps(decoded["mu"], decoded["star_class"])


def some_stars(n: int, latent: np.ndarray | None = None) -> Stars:
    return Stars(
        star_id=np.arange(n) * 3 + 1,
        star_class="RRLYR",
        subtype="RRab",
        period=0.55,
        teff=6500.0,
        abs_mag_g=0.6,
        amplitude_i=0.6,
        epoch=2460000.5,
        ra=150.0,
        dec=2.2,
        distance_modulus=18.0,
        ebv=0.0,
        feh=-1.5,
        latent=latent,
    )


# --- what the networks give -----------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED_NETWORKS)
def test_every_published_network_loads(folder, name):
    card = json.loads((folder / f"pelsvae_{name}.json").read_text())
    with pytest.warns(PublishedWarning, match=name):
        network = PublishedNetwork.load(folder, name)
    assert sum(p.numel() for p in network.vae.parameters()) == card["n_train_params"]
    assert network.config.layers == card["architecture"]
    assert not network.config.physics_in_decoder


@pytest.mark.parametrize("name", PUBLISHED_NETWORKS)
def test_every_network_encodes_and_decodes_real_shapes(folder, decoded, steps, name):
    """Noisy curves of yp4qdw1r come back from all four: measured 0.04 to 0.11 of the amplitude."""
    sound = decoded["sound"]
    names, shapes = decoded["star_class"][sound], steps[sound]
    error = 0.05
    noisy = shapes + error * np.random.default_rng(0).normal(size=shapes.shape)
    low, size = noisy.min(axis=1, keepdims=True), np.ptp(noisy, axis=1, keepdims=True)
    truth = (shapes - low) / size
    columns = (training_tags(600).numpy(), 1e-4 + 0.9998 * (noisy - low) / size, error / size)
    inputs = np.stack([np.broadcast_to(c, shapes.shape) for c in columns], axis=2)
    with pytest.warns(PublishedWarning, match=name):
        network = PublishedNetwork.load(folder, name)
    physics = torch.tensor([[0.0, 0.1, 0.5]]).expand(len(names), 3)
    with torch.inference_mode():
        mu, _ = network.vae.encoder(
            torch.as_tensor(inputs, dtype=torch.float32),
            torch.as_tensor(class_index(names)),
            physics if network.config.n_physics else None,
        )
    found = network.decode_steps(mu.numpy(), names)
    residual = np.sqrt(np.mean((found - truth)[:, 300:] ** 2, axis=1))
    assert np.median(residual / np.ptp(truth, axis=1)) < 0.15
    assert np.median(residual / truth[:, 300:].std(axis=1)) < 0.5


def test_decoded_curves_are_reproduced(decoded, steps):
    """To the spacing of the file's half precision: measured 2.4e-4; the gap to 5e-7."""
    closed, gap = close_period(steps)
    assert gap == pytest.approx(decoded["wrap_gap"], abs=5e-6)
    ends = np.concatenate([closed, closed[:, :1]], axis=1)
    place = decoded["phase"] * 300
    found = np.array([np.interp(place, np.arange(301), row) for row in ends])
    assert found == pytest.approx(decoded["y"].astype(float), abs=5e-4)


@pytest.mark.parametrize(("n_harmonics", "median", "worst"), [(64, 0.004, 0.02), (149, 0.004, 0.02)])
def test_series_follow_the_decoded_curves(decoded, steps, n_harmonics, median, worst):
    """The file interpolates linearly between steps, the series does not: 0.002 of the amplitude."""
    result = periodic_curves(steps, decoded["star_class"], n_harmonics=n_harmonics)
    phase = decoded["phase"] - result.shift[:, None]
    found = result.amplitude[:, None] * result.curves.evaluate(phase)
    wanted = decoded["y"].astype(float)
    wanted -= wanted.mean(axis=1, keepdims=True)
    error = np.sqrt(np.mean((found - wanted) ** 2, axis=1)) / result.amplitude
    assert np.median(error) < median
    assert error.max() < worst


def test_residual_of_the_series(decoded, steps):
    """149 harmonics pass through the steps; 64 leave 0.4 % of the amplitude in the median."""
    every = periodic_curves(steps, decoded["star_class"], n_harmonics=149)
    assert every.residual.max() < 0.005
    usual = periodic_curves(steps, decoded["star_class"])
    assert 1e-3 < np.median(usual.residual) < 6e-3
    assert np.mean(usual.sound == decoded["sound"]) > 0.96
    assert usual.amplitude == pytest.approx(decoded["amp"], abs=0.03)


def test_conventions(network, decoded):
    with pytest.warns(PublishedWarning) as caught:
        result = network.decode(decoded["mu"], decoded["star_class"])
    messages = [str(w.message) for w in caught]
    assert any(f"{2 * PER_CLASS} stars get nearly equal minima" in m for m in messages)
    unsound = int((~result.sound).sum())
    assert unsound > 0
    assert any(m.startswith(f"{unsound} of {8 * PER_CLASS} curves") for m in messages)
    values = result.curves.evaluate(GRID)
    binary = np.isin(decoded["star_class"], ["ECL", "ELL"])
    assert np.ptp(values, axis=1) == pytest.approx(1.0, abs=2e-3)
    assert values[~binary, 0] == pytest.approx(values[~binary].min(axis=1), abs=2e-3)
    assert values[binary, 0] == pytest.approx(values[binary].max(axis=1), abs=2e-3)
    # Bright is negative: an RR Lyrae star rises to maximum faster than it declines.
    rrab = values[decoded["star_class"] == "RRLYR"]
    rise = 1.0 - rrab.argmax(axis=1) / GRID.size
    assert np.median(rise) < 0.45


def test_binaries_repeat_half_a_period(decoded, steps):
    """Why their eclipses are no truth: even harmonics carry nearly all the power."""
    mine = np.isin(decoded["star_class"], ["ECL", "ELL"])
    curves = periodic_curves(steps[mine], decoded["star_class"][mine]).curves
    power = curves.cos**2 + curves.sin**2
    odd = power[:, ::2].sum(axis=1) / power.sum(axis=1)
    assert np.median(odd) < 0.01


# --- why they are wrapped -------------------------------------------------------------------


def test_the_bare_decoder_fails_on_survey_visits_and_the_wrapped_one_does_not(network, decoded, steps):
    """40 visits given to the network itself are worse than a constant; its own grid is exact."""
    rows = np.flatnonzero(np.isin(decoded["star_class"], ["CEP", "RRLYR", "T2CEP"]))
    phase = np.sort(np.random.default_rng(0).uniform(size=40))
    closed, _ = close_period(steps[rows])
    ends = np.concatenate([closed, closed[:, :1]], axis=1)
    wanted = np.array([np.interp(phase * 300, np.arange(301), row) for row in ends])
    doubled = np.concatenate([phase, phase + 1.0]) / 2.0
    tags = torch.as_tensor(1e-4 + 0.9998 * doubled, dtype=torch.float32)
    kind = torch.tensor([{"CEP": 1, "RRLYR": 6, "T2CEP": 7}[c] for c in decoded["star_class"][rows]])
    with torch.inference_mode():
        bare = network.vae.decoder(torch.as_tensor(decoded["mu"][rows]), tags, kind)[:, 40:, 0]
    size = np.ptp(closed, axis=1)
    bare_error = np.sqrt(np.mean((bare.numpy() - wanted) ** 2, axis=1)) / size
    constant = closed.std(axis=1) / size
    assert np.median(bare_error) > np.median(constant)

    result = periodic_curves(steps[rows], decoded["star_class"][rows])
    level = closed.mean(axis=1)[:, None]
    wrapped = level + result.amplitude[:, None] * result.curves.evaluate(phase - result.shift[:, None])
    wrapped_error = np.sqrt(np.mean((wrapped - wanted) ** 2, axis=1)) / size
    assert wrapped_error.max() < 0.03


def test_cadence_contract_in_a_survey(network, decoded):
    """Thinning the visits of a survey leaves the other magnitudes as they were."""
    latent = decoded["mu"][decoded["star_class"] == "RRLYR"][:5]
    stars = some_stars(5, latent)
    curve = network.phase_curve(stars)
    rng = np.random.default_rng(2)
    visits = Visits(
        mjd=60218.0 + np.sort(rng.uniform(0, 3650, 300)),
        band=rng.choice(list("ugrizy"), 300),
        m5=24.0,
        night=np.arange(300),
        visit_id=np.arange(300),
        exptime=30.0,
    )
    full = noise_free_magnitudes(stars, visits, curve)
    kept = np.sort(rng.permutation(300)[:23])
    thin = noise_free_magnitudes(stars, visits.take(kept), curve)
    np.testing.assert_array_equal(thin, full[:, kept])
    one = network.phase_curve(stars.take([2]))
    np.testing.assert_array_equal(one.cos[0], curve.cos[2])


def test_latent_draws_are_addressed_by_star(network, folder):
    stars = some_stars(8)
    curve = network.phase_curve(stars, seed=4)
    few = stars.take([6, 1])
    np.testing.assert_array_equal(network.phase_curve(few, seed=4).sin, curve.sin[[6, 1]])
    assert not np.array_equal(network.phase_curve(few, seed=5).sin, curve.sin[[6, 1]])
    ids = np.arange(3000)
    drawn = network.draw_latent(np.full(3000, "CEP"), ids, seed=1)
    table = np.load(folder / f"latent_{NAME}.npz")
    own = table["mu"][table["label"] == 1]
    np.testing.assert_allclose(drawn.mean(axis=0), own.mean(axis=0), atol=0.08)
    # The collapsed dimension has no spread in the means; its draws have that of the prior.
    np.testing.assert_allclose(drawn.std(axis=0)[[0, 2, 3]], own.std(axis=0)[[0, 2, 3]], rtol=0.1)
    assert drawn[:, 1].std() == pytest.approx(0.97, abs=0.06)


# --- files ----------------------------------------------------------------------------------


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    for suffix in ("safetensors", "json"):
        shutil.copyfile(folder / f"pelsvae_{NAME}.{suffix}", tmp_path / f"pelsvae_{NAME}.{suffix}")
    return tmp_path


def test_a_checkpoint_of_the_authors_gives_the_same_network(network, copy, decoded):
    """Written by torch.save, with the prefix that training on several devices leaves."""
    file = copy / f"pelsvae_{NAME}.safetensors"
    tensors = {f"module.{key}": value for key, value in load(file.read_bytes()).items()}
    torch.save(tensors, copy / f"VAE_model_{NAME}.pt")
    file.unlink()
    with pytest.warns(PublishedWarning):
        other = PublishedNetwork.load(copy)
    latent, names = decoded["mu"][:3], decoded["star_class"][:3]
    np.testing.assert_array_equal(other.decode_steps(latent, names), network.decode_steps(latent, names))
    with pytest.raises(InputError, match=f"put latent_{NAME}.npz beside"):
        other.draw_latent(["CEP"], [0])


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    """torch.save of anything but tensors is a pickle; it is not opened."""
    touched = tmp_path / "touched"

    class Malicious:
        def __reduce__(self):
            return Path.touch, (touched,)

    torch.save(Malicious(), tmp_path / f"VAE_model_{NAME}.pt")
    with pytest.raises(InputError, match="not a file of tensors"):
        PublishedNetwork.load(tmp_path)
    assert not touched.exists()
    torch.save([torch.zeros(2)], tmp_path / f"VAE_model_{NAME}.pt")
    with pytest.raises(InputError, match="something other than tensors"):
        PublishedNetwork.load(tmp_path)


def test_missing_and_unknown_networks(tmp_path):
    with pytest.raises(InputError, match=r"neither pelsvae_cfwyf4zg.safetensors nor VAE_model"):
        PublishedNetwork.load(tmp_path, "cfwyf4zg")
    with pytest.raises(InputError, match="yp4qdw1r, b68z1hwo"):
        PublishedNetwork.load(tmp_path, "mine")


def test_damaged_files(copy):
    file = copy / f"pelsvae_{NAME}.safetensors"
    tensors = load(file.read_bytes())
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        PublishedNetwork.load(copy)

    lacking = {key: value for key, value in tensors.items() if key != "dec_linear.bias"}
    save_file(lacking, file)
    with pytest.raises(InputError, match=r"missing, foreign or misshapen.*decoder.output.bias"):
        PublishedNetwork.load(copy)

    save_file({**tensors, "dec_linear.bias": torch.zeros(2)}, file)
    with pytest.raises(InputError, match="misshapen"):
        PublishedNetwork.load(copy)

    save_file({"weight": torch.zeros(2)}, file)
    with pytest.raises(InputError, match="no published network"):
        PublishedNetwork.load(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dim": 6}, "latent_dim = 6, the tensors of yp4qdw1r say 4"),
        ({"architecture": "gru"}, "architecture = 'gru'"),
        ({"class_order": ["CEP", "ACEP"]}, "another order of classes"),
    ],
)
def test_a_card_of_another_network(copy, changes, message):
    file = copy / f"pelsvae_{NAME}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    with pytest.raises(InputError, match=message):
        PublishedNetwork.load(copy)


def test_a_latent_table_of_another_network(copy):
    np.savez(copy / f"latent_{NAME}.npz", mu=np.zeros((3, 6)), std=np.zeros((3, 6)), label=[0, 1, 2])
    with pytest.raises(InputError, match=r"posterior mu.*\(3, 6\), expected \(3, 4\)"):
        PublishedNetwork.load(copy)


def test_latent_coordinates_of_another_model(network):
    with pytest.raises(InputError, match=r"latent has shape \(2, 8\), expected \(2, 4\)"):
        network.phase_curve(some_stars(2, np.zeros((2, 8))))

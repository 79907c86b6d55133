"""The paper's networks from light curves to shipped weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.sequence.curves import periodic_curves
from pelsvae_cadence.model.sequence.networks import paper_config, training_tags
from pelsvae_cadence.model.sequence.shapes import SequenceShapes, fold_to_steps, thin
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.fit.config import FitConfig
from pelsvae_cadence.training.fit.export import fit_model
from pelsvae_cadence.training.fit.options import FitOptions
from pelsvae_cadence.training.fit.sequence_task import SequenceTask, SequenceTaskConfig, encode_rows
from pelsvae_cadence.training.fit.trainer import run
from pelsvae_cadence.training.open_set.curves import fold_open_set
from pelsvae_cadence.training.open_set.sequences import SequenceRows, sequence_rows
from pelsvae_cadence.training.open_set.table import OpenSet, save_open_set
from pelsvae_cadence.training.preprocess.augmentation import AugmentationOptions
from pelsvae_cadence.training.preprocess.folded_light_curves import write_folded

T_LEN = 16
TINY = {"t_len": T_LEN, "hidden": 12, "n_layers": 1, "row_scale": 0.002, "mapping_steps": 2}


@pytest.fixture(scope="module")
def stars(open_stars: OpenSet) -> OpenSet:
    """Some Cepheids and RRab of every split."""
    stars = open_stars
    rows = [
        np.flatnonzero((stars.star_class == c) & (stars.subtype == s) & (stars.split == p))[:25]
        for c, s in (("CEP", "F"), ("RRLYR", "RRab"))
        for p in ("train", "validation", "test")
    ]
    return stars.take(np.concatenate(rows))


@pytest.fixture(scope="module")
def rows(stars: OpenSet) -> SequenceRows:
    return sequence_rows(stars, t_len=T_LEN, scale=0.01)


def make_task(rows: SequenceRows, **changes: Any) -> SequenceTask:
    torch.manual_seed(2)
    config = paper_config(
        "paper-gru", n_physics=3, n_steps=2 * T_LEN, hidden=12, decode_errors=True, dropout=0.3
    )
    network = SequenceShapes(config)
    return SequenceTask(network, rows, SequenceTaskConfig(min_points=6, **changes))


def test_rows_are_the_paper_s(stars: OpenSet, rows: SequenceRows) -> None:
    train = rows.part("train")
    assert np.bincount(train.star_class, minlength=8)[[1, 6]].tolist() == [100, 100]
    assert len(rows.part("validation")) == 50
    # Copies have other points of the same star; the phase zero is the table's unless asked for.
    shifted = sequence_rows(stars, t_len=T_LEN, scale=0.01, random_phase=True)
    assert rows.hash != shifted.hash
    copies = len(stars)
    np.testing.assert_array_equal(rows.mag[:copies], shifted.mag[:copies])
    assert (rows.mag[copies:] != shifted.mag[copies:]).any()
    with pytest.raises(InputError, match="scale = 0"):
        sequence_rows(stars, scale=0.0)


def test_normalisation(rows: SequenceRows) -> None:
    phase, mag, error = (torch.as_tensor(np.array(v)) for v in (rows.phase, rows.mag, rows.error))
    steps = fold_to_steps(phase, mag, error)
    assert steps.shape == (len(rows), 2 * T_LEN, 3)
    assert steps[..., 1].amin(dim=1).numpy() == pytest.approx(1e-4, abs=1e-6)
    assert steps[..., 1].amax(dim=1).numpy() == pytest.approx(0.9999, abs=1e-5)
    torch.testing.assert_close(steps[:, :T_LEN, 1:], steps[:, T_LEN:, 1:])
    assert (steps[:, T_LEN:, 0] - steps[:, :T_LEN, 0]).numpy() == pytest.approx(0.4999, abs=1e-4)
    # Magnitudes and errors keep their unit: their ratio is what it was.
    span = mag.amax(dim=1) - mag.amin(dim=1)
    torch.testing.assert_close(steps[:, 3, 2], error[:, 3] * 0.9998 / span)


@pytest.mark.parametrize(("n_points", "t_len"), [(5, 16), (16, 16), (100, 16), (1, 4)])
def test_thin(n_points: int, t_len: int) -> None:
    chosen = thin(n_points, t_len)
    assert len(chosen) == t_len
    assert (np.diff(chosen) >= 0).all()
    counts = np.bincount(chosen, minlength=n_points)
    assert counts.max() - counts.min() <= 1
    assert chosen[-1] < n_points


def test_an_interrupted_run_continues_bit_for_bit(rows: SequenceRows, tmp_path: Path) -> None:
    """With dropout, whose numbers come from torch's own generator."""
    config = FitConfig(steps=9, batch=16, evaluate_every=3, optimiser="adam", schedule="plateau")
    whole = make_task(rows)
    run(whole, config, tmp_path / "whole", quiet=True)

    class StoppedError(Exception):
        pass

    broken = make_task(rows)
    compute, calls = broken.loss, []

    def loss(batch: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        calls.append(batch)
        if len(calls) == 8:
            raise StoppedError
        return compute(batch, generator)

    broken.loss = loss  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        run(broken, config, tmp_path / "broken", quiet=True)
    again = make_task(rows)
    torch.manual_seed(99)
    run(again, config, tmp_path / "broken", quiet=True)
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, again.module.state_dict()[name]), name
    other = make_task(rows, beta=0.5)
    with pytest.raises(InputError, match="another beta"):
        run(other, config, tmp_path / "whole", quiet=True)
    assert (tmp_path / "whole" / "tensorboard").is_dir()


def test_ctrl_c_stays_ctrl_c(rows: SequenceRows, tmp_path: Path) -> None:
    import signal

    task = make_task(rows)
    handler = signal.getsignal(signal.SIGINT)

    def loss(batch: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        raise KeyboardInterrupt

    task.loss = loss  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(task, FitConfig(steps=3), tmp_path, quiet=True)
    assert signal.getsignal(signal.SIGINT) is handler


def test_training_lowers_every_term(rows: SequenceRows, tmp_path: Path) -> None:
    task = make_task(rows, floor=0.05)
    before = task.validate()
    config = FitConfig(steps=40, batch=32, rate=1e-2, evaluate_every=40, optimiser="adam")
    run(task, config, tmp_path, quiet=True)
    after = task.validate()
    for name in ("held_out_loss", "held_out_reconstruction", "held_out_errors"):
        assert after[name] < before[name], name


def test_coefficients_are_those_of_the_wrapper() -> None:
    """Two implementations of the same closed Fourier series, one on tensors, one on arrays."""
    torch.manual_seed(0)
    config = paper_config("paper-gru", n_steps=64, hidden=16)
    network = SequenceShapes(config).eval()
    assert network.config.n_harmonics == 15
    z, kind = torch.randn(4, 6), torch.tensor([1, 1, 6, 6])
    with torch.no_grad():
        ours = network.decoder(z, torch.zeros(4, 4), kind).numpy()
        steps = network.vae.decoder(z, training_tags(64), kind)[..., 0].numpy()
    reference = periodic_curves(steps, ["CEP", "CEP", "RRLYR", "RRLYR"], n_harmonics=15)
    curve = PhaseCurve(cos=ours[:, :15], sin=ours[:, 15:]).shifted(reference.shift)
    phase = np.arange(50) / 50
    wanted = reference.curves.evaluate(phase) * reference.amplitude[:, None]
    assert curve.evaluate(phase) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("config", ["paper-gru", "paper-lstm", "paper-tcn"])
def test_from_light_curves_to_a_model(config: str, stars: OpenSet, tmp_path: Path) -> None:
    save_open_set(stars, tmp_path / "small.npz")
    options = FitOptions(
        config=config, steps=3, batch=16, **{**TINY, "n_layers": 4 if config == "paper-tcn" else 1}
    )
    path = fit_model(tmp_path, options, table=tmp_path / "small.npz", quiet=True)
    model = LightCurveModel.load(path)
    assert model.classes == ("CEP", "RRLYR")
    assert model.n_harmonics == 7
    card = model.card
    assert card["architecture"] == "sequence"
    assert card["name"] == config
    assert f"--config {config} --seed 0 --steps 3" in card["command"]
    assert card["training_data"]["light_curves"]["t_len"] == T_LEN

    # The cadence contract: other visits, their order and density change nothing.
    drawn = model.sample("RRab", n=5, seed=1)
    curves = model.phase_curve(drawn)
    rng = np.random.default_rng(0)
    phase = rng.uniform(-3, 300, 60)
    full, order = curves.evaluate(phase), rng.permutation(60)
    np.testing.assert_array_equal(curves.evaluate(phase[order]), full[:, order])
    np.testing.assert_array_equal(curves.evaluate(phase[:3]), full[:, :3])
    alone = model.phase_curve(model.sample("RRab", star_id=[3], seed=1))
    np.testing.assert_array_equal(alone.evaluate(phase)[0], full[3])
    assert curves.evaluate(np.arange(2048) / 2048).min(axis=1) == pytest.approx(
        curves.evaluate([0.0])[:, 0], abs=2e-3
    )

    # Any number of points in any order goes through the encoder.
    star = model.sample("RRab", n=1, seed=1)
    for n in (3, T_LEN, 200):
        x = rng.uniform(size=n)
        y = 18.0 + model.phase_curve(star).evaluate(x)[0]
        mu, logvar = model.encode(x, y, np.full(n, 0.02), star)
        mixed = rng.permutation(n)
        again, _ = model.encode(x[mixed], y[mixed], np.full(n, 0.02), star)
        np.testing.assert_array_equal(again, mu)
        assert np.isfinite(logvar).all()


def test_light_curves_of_one_s_own(stars: OpenSet, tmp_path: Path) -> None:
    """The commands fold-open-set and augment write what the fit reads; cVAE has no physics."""
    options = AugmentationOptions(t_len=T_LEN, targets={"CEP": 60, "RRLYR": 60})
    curves, split = fold_open_set(stars, options, seed=5)
    write_folded(curves, tmp_path / "folded.npz", columns={"split": split})
    save_open_set(stars, tmp_path / "small.npz")
    path = fit_model(
        tmp_path,
        FitOptions(config="paper-gru", steps=2, physics=False, error_weight=0.0, **TINY),
        table=tmp_path / "small.npz",
        curves=tmp_path / "folded.npz",
        quiet=True,
    )
    card = LightCurveModel.load(path).card
    assert card["hyperparameters"]["vae"]["n_physics"] == 0
    assert not card["hyperparameters"]["vae"]["decode_errors"]
    rows = sequence_rows(stars, curves=curves, split=split)
    assert card["training_data"]["light_curves"]["sha256"] == rows.hash
    foreign = replace(curves, star=np.char.add(curves.star, "x"))
    with pytest.raises(InputError, match="have no physical parameters in the table"):
        sequence_rows(stars, curves=foreign)


def test_latent_draws_of_rows(rows: SequenceRows) -> None:
    task = make_task(rows)
    sample = encode_rows(task.module, rows, n_draws=2, seed=1)
    assert sample.z.shape == (2, len(rows), 6)
    again = encode_rows(task.module, rows, n_draws=2, seed=1)
    np.testing.assert_array_equal(sample.z, again.z)
    assert (sample.z[0] != sample.z[1]).any()


def test_lengths_must_agree(rows: SequenceRows) -> None:
    network = SequenceShapes(paper_config("paper-gru"))
    with pytest.raises(InputError, match="600 steps and the light curves have 16"):
        SequenceTask(network, rows, SequenceTaskConfig())
    with pytest.raises(InputError, match="beta = -1"):
        SequenceTaskConfig(beta=-1.0)
    with pytest.raises(InputError, match="min_points = 2"):
        SequenceTaskConfig(min_points=2)

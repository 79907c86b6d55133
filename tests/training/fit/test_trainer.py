"""The training loop and the losses."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.decoder import ModelConfig
from pelsvae_cadence.model.reference_stars import group_index
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.vae import HarmonicVAE
from pelsvae_cadence.training.fit.config import FitConfig
from pelsvae_cadence.training.fit.export import _export_model, _train_network
from pelsvae_cadence.training.fit.harmonic_task import (
    VAETask,
    VAETaskConfig,
    _expected_chi_square,
    _kl_divergence,
    _mean_square_difference,
)
from pelsvae_cadence.training.fit.options import FitOptions
from pelsvae_cadence.training.fit.schedules import SCHEDULES, rate_factor
from pelsvae_cadence.training.fit.trainer import run
from pelsvae_cadence.training.open_set.shapes import PointSimulator, ShapeTable

TINY = FitConfig(steps=12, batch=32, evaluate_every=4)


def make_task(table: ShapeTable) -> VAETask:
    torch.manual_seed(0)
    vae = HarmonicVAE(ModelConfig(n_harmonics=16, n_latent=4, n_axes=8, hidden=16, layers=2))
    train = table.part("train")
    vae.set_statistics(train.shapes, train.physics, train.star_class)
    return VAETask(vae, table, VAETaskConfig(max_points=60))


def weights_of(task: VAETask) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in task.module.state_dict().items()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    for name, value in a.items():
        assert torch.equal(value, b[name]), name


def test_a_run_repeats_bit_for_bit(known_table: ShapeTable, tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        task = make_task(known_table)
        run(task, TINY, tmp_path / name, quiet=True)
        runs.append(weights_of(task))
    assert_same(*runs)
    task = make_task(known_table)
    run(task, replace(TINY, seed=1), tmp_path / "c", quiet=True)
    assert any(not torch.equal(v, runs[0][k]) for k, v in weights_of(task).items())


def test_an_interrupted_run_continues_bit_for_bit(known_table: ShapeTable, tmp_path: Path) -> None:
    whole = make_task(known_table)
    expected = run(whole, TINY, tmp_path / "whole", quiet=True)

    class InterruptionError(Exception):
        pass

    broken = make_task(known_table)
    compute, calls = broken.loss, []

    def loss(batch: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        calls.append(batch)
        if len(calls) == 11:
            raise InterruptionError
        return compute(batch, generator)

    broken.loss = loss  # type: ignore[method-assign]
    with pytest.raises(InterruptionError):
        run(broken, TINY, tmp_path / "broken", quiet=True)
    again = make_task(known_table)
    result = run(again, TINY, tmp_path / "broken", quiet=True)
    assert_same(weights_of(whole), weights_of(again))
    assert (result.best_step, result.best_score) == (expected.best_step, expected.best_score)
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "broken")]
    assert logs[0] == logs[1]
    rows = list(csv.DictReader(logs[0].splitlines()))
    assert [float(row["step"]) for row in rows] == [4, 8, 12]
    assert not list(tmp_path.glob("*/.*part"))


def test_checkpoints_of_another_run_are_refused(known_table: ShapeTable, tmp_path: Path) -> None:
    run(make_task(known_table), TINY, tmp_path, quiet=True)
    with pytest.raises(InputError, match="another seed"):
        run(make_task(known_table), replace(TINY, seed=5), tmp_path, quiet=True)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"broken")
    with pytest.raises(InputError, match="cannot be read"):
        run(make_task(known_table), TINY, tmp_path, quiet=True)
    run(make_task(known_table), TINY, tmp_path, resume=False, quiet=True)


def test_stops_when_validation_stands_still(known_table: ShapeTable, tmp_path: Path) -> None:
    task = make_task(known_table)
    task.validate = lambda: {"score": 1.0}  # type: ignore[method-assign]
    config = replace(TINY, steps=40, patience=2)
    result = run(task, config, tmp_path, quiet=True)
    assert (result.best_step, result.steps) == (4, 12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(schedule: str) -> None:
    rates = np.array([rate_factor(schedule, s, 1000) for s in range(1000)])
    if schedule in ("none", "plateau"):
        assert (rates == 1.0).all()
        stale = [3.0, 2.0, 2.0, 2.1, 2.0, 1.9, 2.0, 2.0, 2.0]
        wanted = {"none": 1.0, "plateau": 0.25}[schedule]
        assert rate_factor(schedule, 9, 1000, stale) == wanted
        return
    rise = 100 if schedule == "warmup-cosine" else 0
    assert np.argmax(rates) in (rise, max(rise - 1, 0))
    assert rates.max() == pytest.approx(1.0, rel=1e-6)
    assert (np.diff(rates[rise:]) < 0).all()
    assert rates[-1] == pytest.approx(0.01, rel=0.01)


def test_training_lowers_the_loss(known_table: ShapeTable, tmp_path: Path) -> None:
    task = make_task(known_table)
    with torch.no_grad():  # the module starts as a linear model, which is hard to beat: spoil it
        for module in (task.module.encoder, task.module.decoder):
            module.network[-1].weight.normal_(std=0.5)
    before = task.validate()["score"]
    config = FitConfig(steps=80, batch=64, evaluate_every=40)
    assert run(task, config, tmp_path, quiet=True).best_score < before - 0.1


def test_mean_square_difference_is_that_of_the_curves(known_table: ShapeTable) -> None:
    a, b = known_table.shapes[:20], known_table.shapes[20:40]
    curves = [PhaseCurve(cos=v[:, :16], sin=v[:, 16:]) for v in (a, b)]
    grid = np.arange(1024) / 1024
    direct = np.mean((curves[0].evaluate(grid) - curves[1].evaluate(grid)) ** 2, axis=1)
    np.testing.assert_allclose(
        _mean_square_difference(torch.as_tensor(a), torch.as_tensor(b)), direct, rtol=1e-9
    )


def test_expected_chi_square_is_the_mean_over_fresh_points(known_table: ShapeTable) -> None:
    truth, model = (torch.as_tensor(known_table.shapes[i : i + 1]) for i in (3, 7))
    n, sigma = 40, 0.1
    simulator = PointSimulator(16)
    excess = []
    for seed in range(400):
        points = simulator.draw(
            truth.float(), torch.ones(1), n, torch.tensor([sigma]), torch.Generator().manual_seed(seed)
        )
        phase = points.phase[0].double().numpy()
        curve = PhaseCurve(cos=model[:, :16].numpy(), sin=model[:, 16:].numpy())
        left = (points.mag[0].numpy() - curve.evaluate(phase)[0]) / sigma
        excess.append((left**2).sum() - n)
    expected = _expected_chi_square(truth, model, torch.tensor([sigma**2 / n]), 0.0)
    error = np.std(excess) / np.sqrt(len(excess))
    assert np.mean(excess) == pytest.approx(float(expected[0]), abs=4 * error)


def test_kl_divergence() -> None:
    mu, logvar = torch.zeros(2, 3), torch.zeros(2, 3)
    assert _kl_divergence(mu, logvar).tolist() == [0.0, 0.0]
    drawn = torch.distributions.Normal(torch.tensor([0.3, -1.0]), torch.tensor([0.5, 2.0]))
    reference = torch.distributions.kl_divergence(drawn, torch.distributions.Normal(0.0, 1.0))
    got = _kl_divergence(drawn.loc[None], 2 * drawn.scale.log()[None])
    assert float(got[0]) == pytest.approx(float(reference.sum()), rel=1e-5)


def test_balance_favours_small_groups(known_table: ShapeTable) -> None:
    some = known_table.take(np.r_[0:80, 80:100])
    weight = some.balance(1.0)
    assert weight.sum() == pytest.approx(1.0)
    assert weight[80:].sum() == pytest.approx(0.5)
    assert some.balance(0.0) == pytest.approx(np.full(100, 0.01))


def test_rows_without_physics_are_counted(known_table: ShapeTable) -> None:
    from types import SimpleNamespace

    rows = SimpleNamespace(
        star_class=np.array(["CEP", "CEP"]),
        subtype=np.array(["F", "F"]),
        period=np.array([3.0, 4.0]),
        teff=np.array([5800.0, np.nan]),
        abs_mag_g=np.array([-3.0, -3.1]),
        amplitude_i=np.array([0.4, 0.4]),
        feh=np.array([np.nan, np.nan]),
        split=np.array(["train", "train"]),
        cos=np.ones((2, 3)),
        sin=np.ones((2, 3)),
    )
    table = ShapeTable.from_open_set(rows)
    assert (len(table), table.dropped) == (1, 1)
    with pytest.raises(InputError, match="no 'test' stars"):
        table.part("test")


@pytest.mark.slow
def test_from_table_to_a_model_that_knows_its_physics(known_table: ShapeTable, tmp_path: Path) -> None:
    fit = FitConfig(steps=60, batch=96, evaluate_every=30)
    vae, latent, record = _train_network(
        tmp_path,
        known_table,
        FitOptions(hidden=48),
        fit=fit,
        mapping_fit=replace(fit, steps=120, rate=3e-3),
        quiet=True,
    )
    path = tmp_path / "mine.safetensors"
    _export_model(path, vae, latent, record, known_table, name="mine", command="none")
    model = LightCurveModel.load(path)
    assert model.classes == ("ECL", "RRLYR")
    # The hotter the known RRab, the steeper its rise: the drawn ones must follow.
    rise = []
    for teff in (6100.0, 7100.0):
        stars = model.sample("RRab", n=200, teff=teff, seed=3)
        assert (group_index(stars.star_class, stars.subtype) >= 0).all()
        curve = model.phase_curve(stars)
        power = curve.cos**2 + curve.sin**2
        rise.append(np.median(power[:, 1] / power[:, 0]))
    known = known_table.part("train")
    mine = known.star_class == known.star_class[0]
    power = known.shapes[mine, :16] ** 2 + known.shapes[mine, 16:] ** 2
    ratio, hot = power[:, 1] / power[:, 0], 10 ** known.physics[mine, 1]
    slope, zero = np.polyfit(hot, ratio, 1)
    assert rise[0] - rise[1] == pytest.approx(-1000.0 * slope, rel=0.4)
    assert rise[0] == pytest.approx(zero + 6100.0 * slope, abs=0.05)

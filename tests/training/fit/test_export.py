"""From a table on disk to weights that load, through the one call behind the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.weights import load_weights, save_weights
from pelsvae_cadence.training.evaluate.cross_validation import _rotated_splits, cross_validate
from pelsvae_cadence.training.evaluate.score import score_model, seed_table
from pelsvae_cadence.training.fit.export import fit_model
from pelsvae_cadence.training.fit.options import FitOptions
from pelsvae_cadence.training.open_set.table import OpenSet, save_open_set


@pytest.fixture(scope="module")
def small(open_stars: OpenSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[OpenSet, Path]:
    """Some Cepheids and RR Lyrae stars of every split."""
    stars = open_stars
    rows = np.concatenate(
        [
            np.flatnonzero((stars.star_class == c) & (stars.subtype == s) & (stars.split == p))[:20]
            for c, s in (("CEP", "F"), ("RRLYR", "RRab"), ("RRLYR", "RRc"))
            for p in ("train", "validation", "test")
        ]
    )
    path = tmp_path_factory.mktemp("table") / "small.npz"
    save_open_set(stars.take(rows), path)
    return stars.take(rows), path


@pytest.mark.parametrize("latent_map", ["flow", "kernel-flow", "linear"])
def test_fit_model(small: tuple[OpenSet, Path], tmp_path: Path, latent_map: str) -> None:
    _, table = small
    path = fit_model(
        tmp_path,
        FitOptions(latent_map=latent_map, seed=3, steps=3, mapping_steps=2),
        table=table,
        name="tiny",
        quiet=True,
    )
    assert path == tmp_path / "tiny.safetensors"
    model = LightCurveModel.load(path)
    assert model.classes == ("CEP", "RRLYR")
    card = model.card
    assert card["seed"] == 3
    assert "--config harmonic --seed 3 --steps 3" in card["command"]
    assert card["training_data"]["stars"]["CEP/F"] == {"train": 20, "validation": 20, "test": 20}
    assert card["scores"] == {}
    assert card["hyperparameters"]["latent_map"] == latent_map
    stars = model.sample("RRab", n=4, seed=1)
    assert np.isfinite(model.phase_curve(stars).cos).all()
    with pytest.raises(InputError, match="not trained on DSCT"):
        model.sample("DSCT")


@pytest.mark.slow
def test_scores_are_kept_on_the_card(small: tuple[OpenSet, Path], tmp_path: Path) -> None:
    stars, table = small
    options = FitOptions(steps=3, mapping_steps=2, latent_map="linear")
    path = fit_model(tmp_path, options, table=table, quiet=True)
    before = LightCurveModel.load(path)
    parts = ("reconstruction", "response")
    scores = score_model(path, table=stars, most=20, draws=1, parts=parts)
    after = LightCurveModel.load(path)
    assert after.hash == before.hash
    assert after.card["scores"] == scores
    assert scores["CEP: reconstruction RMS / amplitude at 300 points"] > 0
    assert after.card["scored_with"]["reconstruction"]["test_stars_per_class_at_most"] == 20
    with pytest.raises(InputError, match="part 'beauty' is unknown"):
        score_model(path, table=stars, parts=("beauty",))


def test_training_stars_are_in_range(small: tuple[OpenSet, Path], tmp_path: Path) -> None:
    stars, table = small
    path = fit_model(
        tmp_path, FitOptions(steps=1, mapping_steps=1, latent_map="linear"), table=table, quiet=True
    )
    model = LightCurveModel.load(path)
    assert model.card["scores"] == {}
    low, high = model.ranges("RRLYR", "RRc")["period"]
    mine = (stars.subtype == "RRc") & (stars.split == "train")
    assert low < stars.period[mine].min()
    assert stars.period[mine].max() < high


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_map": "tree"}, r"latent_map = 'tree'; allowed: flow, kernel-flow, linear"),
        ({"config": "rnn"}, "config = 'rnn'.*harmonic, paper-tcn"),
        ({"t_len": 64}, "t_len given for the configuration 'harmonic'"),
        ({"config": "paper-gru", "t_len": 3}, "t_len = 3.*8 or more"),
    ],
)
def test_impossible_options(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FitOptions(**changes)


def test_seeds_are_compared(tmp_path: Path) -> None:
    for seed, score in ((0, 0.1), (1, 0.2), (2, 0.6)):
        found = load_weights("harmonic")
        card = {**found.card, "seed": seed, "scores": {"a": score, f"only {seed}": 1.0}}
        save_weights(tmp_path / f"{seed}.safetensors", found.tensors, card)
    table = seed_table([tmp_path / f"{seed}.safetensors" for seed in (0, 1, 2)])
    assert table.index.tolist() == ["a"]
    assert table.loc["a", "mean"] == pytest.approx(0.3)
    assert table.loc["a", "scatter"] == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1))
    assert table.loc["a", "seed 2"] == 0.6
    with pytest.raises(InputError, match="seeds 0, 0: one of them comes twice"):
        seed_table([tmp_path / "0.safetensors"] * 2)
    other = load_weights("paper-gru")
    card = {**other.card, "seed": 3, "scores": {"a": 1.0}}
    save_weights(tmp_path / "3.safetensors", other.tensors, card)
    with pytest.raises(InputError, match="differ in their sizes"):
        seed_table([tmp_path / "0.safetensors", tmp_path / "3.safetensors"])


def test_every_star_is_tested_once(open_stars: OpenSet) -> None:
    mine = open_stars.star_class == "ACEP"
    tested: list[str] = []
    for fold in _rotated_splits(open_stars, "ACEP"):
        assert np.array_equal(fold.split[~mine], open_stars.split[~mine])
        assert set(fold.split[mine]) == {"train", "validation", "test"}
        tested += fold.star[mine & (fold.split == "test")].tolist()
    assert sorted(tested) == sorted(open_stars.star[mine].tolist())
    with pytest.raises(InputError, match="2 folds"):
        list(_rotated_splits(open_stars, "ACEP", 2))
    with pytest.raises(InputError, match="81 stars of class 'ACEP' in 40 folds"):
        list(_rotated_splits(open_stars, "ACEP", 40))


@pytest.mark.slow
def test_cross_validation(small: tuple[OpenSet, Path], tmp_path: Path) -> None:
    stars, _ = small
    report = cross_validate(
        "CEP", tmp_path, FitOptions(steps=2, mapping_steps=2), table=stars, n_folds=3, draws=1, quiet=True
    )
    values = {figure.name: figure.value for figure in report.figures}
    assert len(values) == 5
    assert all(np.isfinite(value) for value in values.values())
    assert values["CEP: reconstruction RMS / amplitude at 300 points"] < 0.3
    assert "60 stars, 3 folds" in report.figures[0].note

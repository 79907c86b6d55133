"""Mappings from parameters to the latent space: regressions, new parameters, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import RandomForestRegressor

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.latent.conditions import LatentMapConfig
from pelsvae_cadence.model.latent.kinds import LATENT_MAPS
from pelsvae_cadence.model.latent.mapping import LatentMapping
from pelsvae_cadence.model.latent.regressions import Forest, ForestMap
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.model.weights import Weights, load_weights
from pelsvae_cadence.training.fit.fit_mapping import fit_mapping, read_labels
from pelsvae_cadence.training.fit.options import MappingOptions
from pelsvae_cadence.training.fit.regressions import RegressionOptions, forest_arrays
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

QUICK = RegressionOptions(repeats=6, trees=6, rows_per_tree=1000, epochs=3)


@pytest.fixture(scope="module")
def model() -> LightCurveModel:
    return LightCurveModel.load()


@pytest.fixture(scope="module")
def some_stars() -> OpenSet:
    """Forty training and twenty-five validation stars of every subtype, where there are as many."""
    table = load_open_set()
    pairs = np.char.add(np.char.add(table.star_class, "/"), table.subtype)
    rows = [
        np.flatnonzero((pairs == pair) & (table.split == split))[:most]
        for pair in np.unique(pairs)
        for split, most in (("train", 40), ("validation", 25))
    ]
    return table.take(np.concatenate(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mappings")


@pytest.fixture(scope="module")
def mappings(model: LightCurveModel, some_stars: OpenSet, folder: Path) -> dict[str, LatentMapping]:
    return {
        name: fit_mapping(
            model,
            folder,
            MappingOptions(regressor=name, draws=2, steps=20),
            regression=QUICK,
            table=some_stars,
            command="none",
            quiet=True,
        )
        for name in LATENT_MAPS
    }


def test_a_forest_of_arrays_is_the_forest_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 5)), rng.normal(size=(400, 3))
    y[:, 0] += 3.0 * (x[:, 1] > 0)
    fitted = RandomForestRegressor(12, min_samples_leaf=2, random_state=1).fit(x, y)
    forest = Forest(3)
    forest.fill(forest_arrays(fitted))
    new = rng.normal(size=(200, 5)).astype(np.float32)
    ours = forest(torch.as_tensor(new)).numpy()
    assert ours == pytest.approx(fitted.predict(new), abs=1e-5)
    assert np.std(ours[:, 0]) > 0.5


@pytest.mark.parametrize("name", sorted(LATENT_MAPS))
def test_a_model_with_another_mapping(
    name: str, model: LightCurveModel, mappings: dict[str, LatentMapping]
) -> None:
    mapping = mappings[name]
    assert mapping.regressor == name
    other = model.with_mapping(mapping)
    stars = other.sample("RRab", n=60, period=0.55, seed=2)
    mine = model.sample("RRab", n=60, period=0.55, seed=2)
    assert other.hash != model.hash
    assert stars.period == pytest.approx(mine.period)
    assert np.abs(stars.latent - mine.latent).max() > 0.1
    # Equal physics, unlike stars: every map keeps some scatter.
    assert stars.latent.std(axis=0).max() > 0.05
    curves = other.phase_curve(stars)
    assert np.isfinite(curves.cos).all()
    # A star is the same in any company.
    alone = other.sample("RRab", period=0.55, star_id=stars.star_id[7:8], seed=2)
    np.testing.assert_array_equal(alone.latent[0], stars.latent[7])
    # And the model given stays what it was.
    again = model.sample("RRab", n=60, period=0.55, seed=2)
    np.testing.assert_array_equal(again.latent, mine.latent)


@pytest.mark.parametrize("name", sorted(LATENT_MAPS))
def test_files(name: str, model: LightCurveModel, mappings: dict[str, LatentMapping], folder: Path) -> None:
    mapping = mappings[name]
    again = LatentMapping(weights_of(mapping, folder))
    stars = model.sample("CEP", n=9, seed=1)
    first, second = mapping.draw(stars, seed=4), again.draw(stars, seed=4)
    np.testing.assert_array_equal(first.latent, second.latent)
    np.testing.assert_array_equal(first.amplitude_i, second.amplitude_i)
    assert mapping.draw(stars, seed=4, amplitude=False).amplitude_i == pytest.approx(stars.amplitude_i)
    assert "period" in mapping.ranges("CEP", "F")
    assert name in repr(mapping)


def weights_of(mapping: LatentMapping, folder: Path) -> Weights:
    """Read the tensors that a mapping was made of."""
    return load_weights(folder / f"{mapping.name}.safetensors")


FEH = MappingOptions(
    regressor="linear", parameters=("period", "teff", "abs_mag_g", "feh"), star_class="RRab", draws=2
)


@pytest.fixture(scope="module")
def metal(model: LightCurveModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[LatentMapping, Path]:
    """A linear map with [Fe/H] on RRab."""
    folder = tmp_path_factory.mktemp("feh")
    return fit_mapping(model, folder, FEH, name="feh", quiet=True), folder


def phi31_change(model: LightCurveModel, mapping: LatentMapping) -> float:
    """Radians by which phi31 of one set of stars grows from [Fe/H] = -2 to -1."""
    stars = model.sample("RRab", n=300, period=0.55, seed=3)
    phi31 = []
    for feh in (-2.0, -1.0):
        drawn = mapping.draw(stars, seed=1, feh=feh)
        assert (drawn.feh == feh).all()
        curve = model.phase_curve(drawn)
        angle = np.arctan2(-curve.sin, curve.cos)
        phi31.append(np.median((angle[:, 2] - 3 * angle[:, 0]) % (2 * np.pi)))
    return float(phi31[1] - phi31[0])


def test_a_new_parameter_without_retraining(
    model: LightCurveModel, metal: tuple[LatentMapping, Path], tmp_path: Path
) -> None:
    """At one period phi31 grows with [Fe/H], 1.2 rad a dex in the training stars (Smolec 2005).

    The linear map finds 0.8 of them; shuffled among the stars, [Fe/H] does nothing.
    """
    mapping = LatentMapping.load(metal[1] / "feh.safetensors")
    assert 0.6 < phi31_change(model, mapping) < 1.4
    shuffled = fit_mapping(model, tmp_path, replace(FEH, permute=True), quiet=True)
    assert abs(phi31_change(model, shuffled)) < 0.15


def test_a_mapping_refuses_what_it_cannot_use(
    model: LightCurveModel,
    metal: tuple[LatentMapping, Path],
    mappings: dict[str, LatentMapping],
    folder: Path,
    tmp_path: Path,
) -> None:
    mapping, metals = metal
    stars = model.sample("RRab", n=2, seed=3)
    with pytest.raises(InputError, match="needs feh of every star"):
        model.with_mapping(mapping)
    with pytest.raises(InputError, match="takes feh; mass missing or unknown"):
        mapping.draw(stars, mass=1.0)
    with pytest.raises(InputError, match=r"feh = 3 is outside.*RRLYR RRab"):
        mapping.draw(stars, feh=3.0)
    assert np.isfinite(mapping.draw(stars, feh=3.0, extrapolate=True).latent).all()
    with pytest.raises(InputError, match="feh"):
        mapping.draw(replace(stars, feh=np.full(2, np.nan)))
    with pytest.raises(InputError, match="not fitted on CEP"):
        mapping.draw(model.sample("CEP", n=1), feh=-1.0)
    with pytest.raises(InputError, match="fitted on the model 'harmonic'"):
        mapping.check("0" * 64)
    with pytest.raises(InputError, match="not a mapping"):
        LatentMapping(load_weights())
    # A forest whose nodes run in circles would never answer.
    bad = weights_of(mappings["forest"], folder)
    bad.tensors["shape.left"] = np.zeros_like(bad.tensors["shape.left"])
    with pytest.raises(InputError, match="no forest"):
        LatentMapping(bad)
    tensors = load_file(metals / "feh.safetensors")
    tensors["slope"] = tensors["slope"] + 1
    save_file(tensors, tmp_path / "feh.safetensors")
    (tmp_path / "feh.json").write_text((metals / "feh.json").read_text())
    with pytest.raises(InputError, match="do not match their card"):
        LatentMapping.load(tmp_path / "feh.safetensors")
    assert json.loads((metals / "feh.json").read_text())["architecture"] == "mapping"


def test_labels_of_ones_own(model: LightCurveModel, some_stars: OpenSet, tmp_path: Path) -> None:
    mine = some_stars.take(np.flatnonzero(some_stars.subtype == "RRab"))
    pd.DataFrame({"star": mine.star, "mass": np.linspace(0.5, 0.8, len(mine))}).to_csv(
        tmp_path / "mass.csv", index=False
    )
    labels = read_labels(tmp_path / "mass.csv")
    options = MappingOptions(regressor="linear", parameters=("period", "mass"), draws=1)
    mapping = fit_mapping(model, tmp_path, options, table=some_stars, labels=labels, quiet=True)
    low, high = mapping.ranges("RRLYR", "RRab")["mass"]
    mass = labels["mass"].reindex(mine.star[mine.split == "train"])
    assert low < mass.min() < mass.max() < high
    assert high - low == pytest.approx(1.1 * (mass.max() - mass.min()), rel=0.02)
    stars = model.sample("RRab", n=3, seed=3)
    assert mapping.draw(stars, mass=0.6).latent.shape == (3, model.n_latent)
    with pytest.raises(InputError, match="unknown parameter 'mass'"):
        fit_mapping(model, tmp_path, options, table=some_stars, quiet=True)
    labels.to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(InputError, match="no column 'star'"):
        read_labels(tmp_path / "other.csv")
    with pytest.raises(InputError, match="does not exist"):
        read_labels(tmp_path / "none.csv")


def test_impossible_options() -> None:
    with pytest.raises(InputError, match=r"regressor = 'tree'.*linear, forest, mlp, flow"):
        MappingOptions(regressor="tree")
    with pytest.raises(InputError, match="amplitude is drawn"):
        LatentMapConfig(parameters=("period", "amplitude_i"))
    with pytest.raises(InputError, match="once each"):
        LatentMapConfig(parameters=())
    assert ForestMap(LatentMapConfig(parameters=("feh", "period"))).context.columns == [0, 4]

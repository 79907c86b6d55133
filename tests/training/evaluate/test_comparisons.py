"""The paper's comparisons run end to end and answer in one table each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.training.evaluate.comparisons import (
    ComparisonOptions,
    compare_conditions,
    compare_latent_sizes,
)
from pelsvae_cadence.training.evaluate.new_parameter import metallicity_test, plot_metallicity
from pelsvae_cadence.training.open_set.table import OpenSet

TINY = ComparisonOptions(seeds=2, harmonic_steps=2, sequence_steps=2, t_len=16, row_scale=1e-4)


@pytest.fixture(scope="module")
def stars(open_stars: OpenSet) -> OpenSet:
    """Some RRab of every split."""
    rows = [
        np.flatnonzero((open_stars.subtype == "RRab") & (open_stars.split == p))[:30]
        for p in ("train", "validation", "test")
    ]
    return open_stars.take(np.concatenate(rows))


def test_latent_sizes_and_conditions(stars: OpenSet, tmp_path: Path) -> None:
    sizes = compare_latent_sizes(stars, tmp_path, TINY, quiet=True)
    assert sizes["case"].tolist() == [f"{n} latent dimensions" for n in (4, 6, 8, 12)]
    conditions = compare_conditions(stars, tmp_path, TINY, quiet=True)
    assert conditions["case"].str.contains("cVAE").all()
    for table in (sizes, conditions):
        assert np.isfinite(table[["score", "std"]]).all(axis=None)
        assert table["RMS"].to_numpy() == pytest.approx(np.exp(table["score"]))
        assert (table["std"] > 0).all()  # seeds are different fits
    with pytest.raises(InputError, match="seeds = 0"):
        ComparisonOptions(seeds=0)


@pytest.mark.slow
def test_metallicity_beats_its_baselines(open_stars: OpenSet, tmp_path: Path) -> None:
    """Of the shipped model, by linear maps: phi31 of test stars and the slope with [Fe/H]."""
    result = metallicity_test(LightCurveModel.load(), open_stars, tmp_path, regressor="linear", quiet=True)
    error = result.table["median |d phi31|"]
    assert error["with [Fe/H]"] < 0.75 * error["without [Fe/H]"]
    assert error["with [Fe/H]"] < 0.75 * error["shuffled parameters"]
    slope = result.table["d phi31 / d[Fe/H]"]
    assert slope["with [Fe/H]"] > 0.5
    assert abs(slope["shuffled parameters"]) < 0.15
    figure = plot_metallicity(result)
    assert len(figure.axes) == 3
    assert all(axes.get_xlabel() for axes in figure.axes)

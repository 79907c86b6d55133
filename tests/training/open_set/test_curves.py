"""The open set as folded light curves: the paper's numbers, without the paper's leak."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.splits import require_whole_stars
from pelsvae_cadence.training.open_set.curves import _ogle_error, augmentation_counts, fold_open_set
from pelsvae_cadence.training.open_set.table import load_open_set
from pelsvae_cadence.training.preprocess.augmentation import AugmentationOptions


@pytest.fixture(scope="module")
def table():
    return load_open_set()


@pytest.fixture(scope="module")
def folded(table):
    few = dict.fromkeys(np.unique(table.star_class).tolist(), 300)
    small = table.take(np.arange(0, len(table), 5))
    return small, *fold_open_set(small, AugmentationOptions(t_len=60, targets=few), seed=1)


def test_every_class_reaches_two_thousand_rows(table):
    counts = augmentation_counts(table)
    assert (counts["training_rows"] >= 2000).all()
    assert (counts[["train", "validation", "test"]] > 10).all(axis=None)


def test_copies_are_of_training_stars_only(folded):
    _, curves, split = folded
    assert set(split[curves.copy > 0]) == {"train"}
    require_whole_stars(curves.star, split)  # no star on two sides
    real = curves.star[curves.copy == 0]
    assert np.unique(real).size == real.size


def test_counts_are_kept(folded):
    table, curves, split = folded
    for star_class in np.unique(table.star_class):
        stars = int(((table.star_class == star_class) & (table.split == "train")).sum())
        rows = int(((curves.star_class == star_class) & (split == "train")).sum())
        assert rows == max(stars, 300)


def test_noise_and_shape(folded):
    table, curves, _ = folded
    own = curves.take(curves.copy == 0)
    true = table.curve.evaluate(own.phase.astype(float)) * table.amplitude_i[:, None]
    mean = (own.mag - true).astype(float)
    residual = mean - np.average(mean, axis=1, weights=1 / own.mag_err**2)[:, None]
    assert np.std(residual / own.mag_err) == pytest.approx(1.0, abs=0.05)
    assert (np.diff(own.phase, axis=1) >= 0).all()


def test_a_row_depends_on_its_address_only(folded):
    table, curves, _ = folded
    alone, _ = (
        fold_open_set(table.take([7]), AugmentationOptions(t_len=60, targets={}), seed=1)
        if table.split[7] == "train"
        else fold_open_set(
            table.take([7, int(np.flatnonzero(table.split == "train")[0])]),
            AugmentationOptions(t_len=60, targets={}),
            seed=1,
        )
    )
    np.testing.assert_array_equal(alone.mag[0], curves.mag[7])
    first, second = (
        curves.take((curves.star == curves.star[curves.copy == 1][0]) & (curves.copy == n)) for n in (0, 1)
    )
    assert not (first.mag == second.mag).any()


def test_ogle_errors_grow_with_magnitude():
    error = _ogle_error([10.0, 15.0, 16.5, 18.5, 20.5])
    assert (np.diff(error) > 0).all()
    assert error[2] == pytest.approx(0.010)


def test_nothing_to_copy(table):
    with pytest.raises(InputError, match="no training star"):
        fold_open_set(table.take(table.split == "test"), seed=1)

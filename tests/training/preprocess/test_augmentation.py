"""Copies come from training stars only, and are what the paper says they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.light_curve_files import open_light_curves, read_ragged
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import SPLITS, require_whole_stars, split_by_star
from pelsvae_cadence.training.preprocess.augmentation import (
    PARAMETER_TARGETS,
    TARGETS,
    AugmentationOptions,
    augment_light_curves,
    copies_per_class,
    resample_and_shift,
)
from pelsvae_cadence.training.preprocess.augmentation_run import _stars_with_parameters, augment
from pelsvae_cadence.training.preprocess.cleaning import PreprocessingOptions, clean_light_curves
from pelsvae_cadence.training.preprocess.figures import plot_augmentation_steps
from pelsvae_cadence.training.preprocess.folded_light_curves import read_folded
from pelsvae_cadence.training.preprocess.run import preprocess

SMALL = AugmentationOptions(
    t_len=100,
    targets={"CEP": 400, "ECL": 40, "LPV": 60, "RRLYR": 80},
    parameter_targets={"CEP": 10, "LPV": 30},
)


@pytest.fixture(scope="module")
def cleaned(shared_data: Path) -> RawLightCurves:
    folder = shared_data / "lightcurves"
    curves = RawLightCurves.concatenate(
        [
            read_ragged(folder / "hipparcos_ogle2.npz"),
            read_ragged(folder / "ogle3_lmc_cep_I.npz", band="I").read(0, 200),
            # The same stars observed again: copies of a star come from both light curves.
            read_ragged(folder / "ogle4_lmc_cep_I.npz", band="I").read(0, 200),
        ]
    )
    kept, _ = clean_light_curves(curves, PreprocessingOptions(min_points=50))
    assert {"CEP", "ECL", "LPV"} <= set(kept.star_class)
    return kept


@pytest.fixture(scope="module")
def split(cleaned) -> np.ndarray:
    return split_by_star(cleaned.star, cleaned.star_class, seed=9)


def test_published_row_counts_follow_from_the_published_targets():
    """65,760 rows from 33,124 stars: the counts of the published notebook, class by class."""
    real = {
        "ACEP": 71,
        "CEP": 7121,
        "DSCT": 42,
        "ECL": 9508,
        "ELL": 2269,
        "LPV": 4349,
        "RRLYR": 9324,
        "T2CEP": 440,
    }
    with_parameters = {
        "ACEP": 0,
        "CEP": 5,
        "DSCT": 10,
        "ECL": 1495,
        "ELL": 135,
        "LPV": 6,
        "RRLYR": 31,
        "T2CEP": 3,
    }
    published = {
        "ACEP": 5000,
        "CEP": 10045,
        "DSCT": 5090,
        "ECL": 10000,
        "ELL": 10365,
        "LPV": 10044,
        "RRLYR": 10169,
        "T2CEP": 5047,
    }
    rows = {
        cls: n + sum(copies_per_class(n, with_parameters[cls], cls, AugmentationOptions()))
        for cls, n in real.items()
    }
    assert rows == published
    assert sum(rows.values()) == 65_760
    assert TARGETS.keys() == PARAMETER_TARGETS.keys() == real.keys()


def test_no_copy_crosses_a_split_and_test_stars_are_real(cleaned, split):
    folded, sets, counts = augment_light_curves(cleaned, split, options=SMALL, seed=2)
    require_whole_stars(folded.star, sets)
    assert set(sets) == set(SPLITS)
    for part in ("validation", "test"):
        own = sets == part
        assert (folded.copy[own] == 0).all()
        # Every real star of the set, once per light curve, and nothing else.
        assert sorted(folded.star[own]) == sorted(cleaned.star[split == part])
    copied = set(folded.star[folded.copy > 0])
    assert copied <= set(cleaned.star[split == "train"])
    assert not copied & set(cleaned.star[split != "train"])
    assert (sets[folded.copy > 0] == "train").all()
    train = folded.star_class[sets == "train"]
    for star_class, row in counts.iterrows():
        assert (train == star_class).sum() == row["training rows"]
    assert counts.loc["LPV", "training rows"] == 60
    # No two copies are the same, nor the copy of a star's number twice.
    keys = list(zip(folded.star[folded.copy > 0], folded.copy[folded.copy > 0], strict=True))
    assert len(set(keys)) == len(keys)
    assert np.unique(folded.mag[folded.copy > 0], axis=0).shape[0] == len(keys)


def test_eclipsing_binaries_are_capped_and_keep_their_parameters(cleaned, split):
    training = (cleaned.star_class == "ECL") & (split == "train")
    assert training.sum() > 40
    parameters = np.zeros(len(cleaned), dtype=bool)
    parameters[np.flatnonzero(training)[::2]] = True
    folded, sets, counts = augment_light_curves(cleaned, split, parameters, SMALL, seed=2)
    own = (folded.star_class == "ECL") & (sets == "train")
    assert own.sum() == 40
    assert counts.loc["ECL", "left out by cap"] == training.sum() - 40
    assert set(cleaned.star[parameters]) <= set(folded.star[own])
    free, free_sets, _ = augment_light_curves(cleaned, split, parameters, replace(SMALL, capped=()), seed=2)
    assert ((free.star_class == "ECL") & (free_sets == "train")).sum() == training.sum()


def test_stars_with_parameters_are_copied_first_and_on_top(cleaned, split):
    parameters = np.zeros(len(cleaned), dtype=bool)
    miras = np.flatnonzero((cleaned.star_class == "LPV") & (split == "train"))
    parameters[miras[:3]] = True
    folded, sets, counts = augment_light_curves(cleaned, split, parameters, SMALL, seed=2)
    assert counts.loc["LPV", "copies, with parameters"] == 30 - 3
    assert counts.loc["LPV", "training rows"] == 60 + 27
    # Among the copies, the three stars make up at least the announced 27.
    copies = (folded.star_class == "LPV") & (folded.copy > 0)
    assert np.isin(folded.star[copies], cleaned.star[miras[:3]]).sum() >= 27
    assert (sets[copies] == "train").all()


def test_magnitudes_are_resampled_by_their_errors_and_phases_shifted(cleaned):
    rows = np.arange(0, len(cleaned), 4)
    copy = np.full(rows.size, 1)
    phase, shifted, mag, err = resample_and_shift(cleaned, rows, copy, seed=5)
    real = cleaned.take(rows)
    pull = (mag - real.mag) / err
    assert stats.kstest(pull, "norm").pvalue > 1e-3
    assert (err == real.mag_err).all()
    shift = np.mod(shifted - phase, 1.0)
    first = real.offsets[:-1]
    per_star = shift[first]
    np.testing.assert_allclose(np.mod(shift - np.repeat(per_star, real.n_points) + 0.5, 1.0), 0.5, atol=1e-9)
    assert stats.kstest(per_star, "uniform").pvalue > 1e-3
    # Another copy of the star is another draw; the same copy is the same draw.
    again = resample_and_shift(cleaned, rows[5:6], copy[:1], seed=5)
    np.testing.assert_array_equal(again[2], mag[real.rows(5)])
    other = resample_and_shift(cleaned, rows[5:6], copy[:1] + 1, seed=5)
    other_pull = (other[2] - real.mag[real.rows(5)]) / other[3]
    assert abs(np.corrcoef(other_pull, pull[real.rows(5)])[0, 1]) < 5 / np.sqrt(other_pull.size)
    assert (other[2] != again[2]).all()


def test_copies_do_not_depend_on_the_order_of_the_table(cleaned, split):
    order = np.random.default_rng(0).permutation(len(cleaned))
    one, one_split, _ = augment_light_curves(cleaned, split, options=SMALL, seed=2)
    two, two_split, _ = augment_light_curves(cleaned.take(order), split[order], options=SMALL, seed=2)
    # A star with two light curves may exchange them; all others must be equal.
    names, number = np.unique(cleaned.star, return_counts=True)
    single = names[number == 1]
    rows = []
    for folded, sets in ((one, one_split), (two, two_split)):
        own = np.flatnonzero(np.isin(folded.star, single))
        by_name = own[np.lexsort((folded.copy[own], folded.star[own]))]
        rows.append((folded.take(by_name), sets[by_name]))
    (a, a_split), (b, b_split) = rows
    assert len(a) > 100
    assert (a.star == b.star).all()
    assert (a.mag == b.mag).all()
    assert (a.phase == b.phase).all()
    assert (a_split == b_split).all()


def test_figure_1_shows_the_four_steps(cleaned):
    figure = plot_augmentation_steps(cleaned, t_len=50, seed=1)
    classes = [cls for cls in STAR_CLASSES if (cleaned.star_class == cls).any()]
    axes = np.array(figure.axes).reshape(-1, 4)
    assert len(axes) == len(classes)
    for row, star_class in zip(axes, classes, strict=True):
        assert row[0].get_title(loc="left").startswith(star_class)
        folded, resampled, shifted, few = (ax.lines[0].get_xydata() for ax in row)
        assert (folded[:, 0] == resampled[:, 0]).all()
        assert (folded[:, 1] != resampled[:, 1]).all()
        assert (resampled[:, 1] == shifted[:, 1]).all()
        assert (resampled[:, 0] != shifted[:, 0]).all()
        assert len(few) == 50
    with pytest.raises(InputError, match="no light curve to draw"):
        plot_augmentation_steps(cleaned.take([]))


def test_the_whole_path_from_files_to_files(shared_data, tmp_path):
    """Real binaries, Miras and Cepheids to a training set: nothing of a star crosses."""
    source = open_light_curves(shared_data / "lightcurves" / "hipparcos_ogle2.npz")
    log = preprocess(source, tmp_path, PreprocessingOptions(min_points=50, t_len=100), seed=6)
    kept = log.loc[log["step"] == "", "star"]
    gaia = pd.DataFrame({"star": kept[::3], "radius_val": 50.0, "lum_val": 1e3})
    gaia.loc[gaia.index[:4], "lum_val"] = np.nan
    gaia.to_csv(tmp_path / "gaia.csv", index=False)
    known = _stars_with_parameters(kept, tmp_path / "gaia.csv")
    assert known.sum() == len(gaia) - 4
    counts = augment(tmp_path, tmp_path / "set.npz", SMALL, parameters=tmp_path / "gaia.csv", seed=6)
    folded, table = read_folded(tmp_path / "set.npz")
    assert folded.t_len == 100
    assert (tmp_path / "set_steps.png").stat().st_size > 10_000
    require_whole_stars(table["star"], table["split"])
    assert set(table.loc[table["copy"] > 0, "split"]) == {"train"}
    assert (table["split"] == "train").sum() == counts["training rows"].sum()
    real = table[table["copy"] == 0]
    left_out = counts["left out by cap"].sum()
    assert len(real) == len(kept) - left_out
    assert counts["copies, with parameters"].sum() > 0
    with pytest.raises(InputError, match="has no column feh"):
        _stars_with_parameters(kept, gaia, ["feh"])


def test_a_row_split_is_refused(cleaned):
    rows = np.random.default_rng(0).choice(SPLITS, len(cleaned))
    with pytest.raises(InputError, match="more than one set"):
        augment_light_curves(cleaned, rows, options=SMALL, seed=0)
    with pytest.raises(InputError, match="unknown split 'training'"):
        augment_light_curves(cleaned, np.full(len(cleaned), "training"), options=SMALL, seed=0)
    with pytest.raises(InputError, match=r"has_parameters has shape \(1,\)"):
        augment_light_curves(cleaned, np.full(len(cleaned), "train"), [True], SMALL, seed=0)
    with pytest.raises(InputError, match="target -1 of CEP is negative"):
        AugmentationOptions(targets={"CEP": -1})

"""Rows of real light curves: binaries, Hipparcos pulsators, Miras; and how rows are split."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.archives.splits import SPLITS
from pelsvae_cadence.training.binaries.observed import (
    _fit_with_prior,
    borrow_labels,
    learn_prior,
    observed_binary_rows,
)
from pelsvae_cadence.training.labels.physical import LabelFlag
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set, split_of, stratified_splits
from pelsvae_cadence.training.shapes.completion import learn_completion, rotate_to_first
from pelsvae_cadence.training.shapes.full_curves import fit_with_completion
from pelsvae_cadence.training.shapes.harmonics import fit_harmonics, from_complex, to_complex
from pelsvae_cadence.training.shapes.miras import (
    MiraShapes,
    _find_mira_period,
    asas_miras,
    borrow_mira_shapes,
)

GRID = np.arange(512) / 512


@pytest.fixture(scope="module")
def table() -> OpenSet:
    return load_open_set()


def _binaries(table: OpenSet, split: str) -> OpenSet:
    mine = (table.star_class == "ECL") & (table.provenance == "simulated")
    return table.take(mine & (table.split == split))


def test_prior_keeps_eclipses_sharp(table: OpenSet) -> None:
    prior = learn_prior(_binaries(table, "train").curve)
    held_out = _binaries(table, "test").take(np.arange(12))
    random = np.random.default_rng(5)
    with_prior, plain = [], []
    for row in range(len(held_out)):
        period, size = float(held_out.period[row]), float(held_out.amplitude_i[row])
        time = np.sort(random.uniform(0.0, 300.0, 250)) + 0.37 * period
        true = held_out.curve.take([row])
        noise = 0.02 * size
        clean = 17.0 + size * true.evaluate(time / period)[0]
        mag = clean + noise * random.normal(size=time.size)
        curve = (time, mag, np.full(time.size, noise))
        c, _, _ = fit_harmonics(*curve, period, 24, ridge=1e-5 * time.size)
        guess = from_complex(c).evaluate(GRID)[0]
        value, rms, phase, kept = _fit_with_prior(
            curve, period, np.roll(guess, -int(np.argmax(guess))), prior
        )
        assert kept.mean() > 0.95
        assert rms < 1.5 * max(noise, 0.004)
        fitted = np.interp(phase, GRID, value, period=1.0)
        with_prior.append(np.std(fitted - clean) / size)
        plain.append(np.std(from_complex(c).evaluate(time / period)[0] - clean) / size)
    assert np.median(with_prior) < 0.01
    assert np.median(with_prior) < 0.9 * np.median(plain)
    # Where the plain series rings into a gap, the prior holds.
    assert max(with_prior) < 0.5 * max(plain)


def test_too_few_binaries_teach_no_prior(table: OpenSet) -> None:
    with pytest.raises(InputError, match="5 simulated binaries"):
        learn_prior(_binaries(table, "test").take(np.arange(5)).curve)


def test_borrowed_labels_are_those_of_the_most_similar_system(table: OpenSet) -> None:
    simulated = _binaries(table, "test")
    labels = borrow_labels(simulated.curve, simulated.period, simulated.amplitude_i, simulated)
    for name, value in labels.items():
        np.testing.assert_array_equal(value, getattr(simulated, name), err_msg=name)


def test_completion_prior_beats_free_harmonics(table: OpenSet) -> None:
    mine = (table.subtype == "RRab") & (table.galaxy == "LMC")
    train, test = (table.take(mine & (table.split == "train")), table.take(mine & (table.split == "test")))
    d = rotate_to_first(to_complex(train.curve))[:250, :24]
    completion = learn_completion(
        d, np.full(d.shape, 1e-6), train.period[:250], train.amplitude_i[:250], n_known=3
    )
    random = np.random.default_rng(7)
    ours, free = [], []
    for row in range(10):
        period, size = float(test.period[row]), float(test.amplitude_i[row])
        time = np.sort(random.uniform(0.0, 900.0, 90))
        true = test.curve.take([row])
        mag = 1.5 * size * true.evaluate(time / period)[0] + 0.02 * random.normal(size=time.size)
        curve = (time, mag, np.full(time.size, 0.02))
        fit, reason = fit_with_completion(curve, period, completion, amplitude_scale=1 / 1.5, max_gap=0.3)
        assert fit is not None, reason
        assert fit.amplitude == pytest.approx(size, rel=0.12)
        c, _, _ = fit_harmonics(*curve, period, 8)
        first = c[0] / abs(c[0])
        turned = fit.d * abs(c[0]) * first ** np.arange(1, 25)
        clean = 1.5 * size * true.evaluate(GRID)[0]
        ours.append(np.std(from_complex(turned).evaluate(GRID)[0] - clean) / size)
        free.append(np.std(from_complex(c).evaluate(GRID)[0] - clean) / size)
    assert np.median(ours) < 0.8 * np.median(free)


def test_light_curves_that_say_nothing_are_rejected_with_a_reason(table: OpenSet) -> None:
    mine = table.take((table.subtype == "RRab") & (table.split == "train")).take(np.arange(60))
    d = rotate_to_first(to_complex(mine.curve))[:, :24]
    completion = learn_completion(d, np.full(d.shape, 1e-6), mine.period, mine.amplitude_i, n_known=3)
    random = np.random.default_rng(1)
    time = np.sort(random.uniform(0, 100, 80))
    err = np.full(80, 0.02)
    noise = 0.02 * random.normal(size=80)
    assert fit_with_completion((time[:20], noise[:20], err[:20]), 0.5, completion) == (None, "too few points")
    at_midnight = np.floor(time) + 0.05 * random.uniform(size=80)
    assert fit_with_completion((at_midnight, noise, err), 1.0, completion)[1] == "gap in phase"
    assert (
        fit_with_completion((time, noise, err), 0.5, completion, max_gap=0.5)[1] == "scatter about the curve"
    )


def test_mira_period_of_a_skewed_wave() -> None:
    random = np.random.default_rng(3)
    time = np.sort(random.uniform(0, 2700, 300))
    phase = 2 * np.pi * time / 331.0
    mag = 10 + 2 * np.cos(phase) + 0.7 * np.cos(2 * phase + 1) + 0.1 * random.normal(size=300)
    period, power = _find_mira_period(time, mag)
    assert period == pytest.approx(331.0, rel=0.005)
    assert power > 0.95


def test_mira_periods_agree_with_the_archive(shared_data) -> None:
    from pelsvae_cadence.training.shapes.donors import read_light_curves

    stars, curves = read_light_curves(shared_data / "lightcurves", "hipparcos_ogle2")
    mine = np.flatnonzero((stars.subtype == "Mira").to_numpy())
    found = np.array([_find_mira_period(*curves[i][:2])[0] for i in mine])
    assert (np.abs(found / stars.period.to_numpy()[mine] - 1) < 0.03).mean() > 0.85


@pytest.mark.slow
def test_asas_miras_are_counted(shared_data) -> None:
    name, period, light, rejected = asas_miras(shared_data / "lightcurves")
    assert np.unique(name).size == name.size == period.size == len(light) > 250
    assert sum(rejected.values()) + name.size == 1390
    assert ((period >= 80) & (period <= 800)).all()


def test_mira_shapes_stay_in_their_split(table: OpenSet) -> None:
    random = np.random.default_rng(0)
    names = np.array([f"MIRA-{i}" for i in range(60)])
    angle = random.uniform(0, 2 * np.pi, 60)
    shapes = MiraShapes(
        star=names,
        period=random.uniform(100, 500, 60),
        curve=PhaseCurve(cos=np.cos(angle)[:, None], sin=np.sin(angle)[:, None]),
        rejected={},
    )
    split = np.array(SPLITS)[np.arange(300) % 3]
    log_period = np.log10(random.uniform(100, 500, 300))
    curve, source = borrow_mira_shapes(shapes, log_period, np.arange(300), split=split, seed=1)
    np.testing.assert_array_equal(split_of(names)[source], split)
    np.testing.assert_array_equal(curve.cos, shapes.curve.cos[source])
    # Shapes come from stars of similar period, as far as the split has them.
    assert np.median(np.abs(np.log10(shapes.period)[source] - log_period)) < 0.06
    # In the committed table no shape stands on both sides of a split.
    miras = table.take(table.star_class == "LPV")
    shape = np.concatenate([miras.cos[:, :6], miras.sin[:, :6]], axis=1)
    _, which = np.unique(np.round(shape, 3), axis=0, return_inverse=True)
    pairs = np.unique(np.stack([which.ravel(), np.searchsorted(sorted(SPLITS), miras.split)]), axis=1)
    assert np.unique(pairs[0]).size == pairs.shape[1] > 100


def test_splits_are_exact_and_pinned_stars_stay() -> None:
    names = np.array([f"star {i}" for i in range(1000)])
    strata = np.where(np.arange(1000) < 300, "A", "B")
    pinned = np.arange(1000) % 3 == 0
    split = stratified_splits(names, strata, pinned)
    np.testing.assert_array_equal(split[pinned], split_of(names[pinned]))
    for stratum in ("A", "B"):
        size = int((strata == stratum).sum())
        counts = [int((split[strata == stratum] == s).sum()) for s in SPLITS]
        np.testing.assert_allclose(counts, [0.6 * size, 0.2 * size, 0.2 * size], atol=1)
    shuffled = np.random.default_rng(0).permutation(1000)
    again = stratified_splits(names[shuffled], strata[shuffled], pinned[shuffled])
    np.testing.assert_array_equal(again, split[shuffled])


def test_real_binaries_are_rows_with_borrowed_labels(table: OpenSet) -> None:
    real = table.take((table.star_class == "ECL") & (table.provenance == "observed"))
    assert len(real) > 150
    assert set(real.subtype) == {"EA", "EB", "EW"}
    assert (real.flags & LabelFlag.PROXY_LABEL).all()
    assert (real.galaxy == "UNK").all()


@pytest.mark.slow
def test_committed_binaries_are_those_of_the_light_curves(table: OpenSet, shared_data) -> None:
    simulated = table.take((table.star_class == "ECL") & (table.provenance == "simulated"))
    rows, rejected = observed_binary_rows(shared_data / "lightcurves", simulated)
    real = table.take((table.star_class == "ECL") & (table.provenance == "observed"))
    order = [real.star.tolist().index(name) for name in rows["star"].tolist()]
    assert len(order) == len(real) == 186 - sum(rejected.values())
    difference = PhaseCurve(cos=rows["cos"], sin=rows["sin"]).evaluate(GRID) - real.curve.take(
        order
    ).evaluate(GRID)
    # The committed table has rounded coefficients, hence a slightly different prior: a star whose
    # light curve leaves a choice may take the other one.
    largest = np.abs(difference).max(axis=1)
    assert np.quantile(largest, 0.9) < 5e-3
    assert largest.max() < 0.1

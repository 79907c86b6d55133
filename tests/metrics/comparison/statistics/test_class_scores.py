"""F1 scores of all stars together: what they are, how sure they are, and when they differ."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
from pelsvae_cadence.metrics.comparison.statistics.bootstrap import mean_intervals, pooled_intervals
from pelsvae_cadence.metrics.comparison.statistics.class_scores import difference_of_scores, f1_of_counts
from pelsvae_cadence.metrics.comparison.statistics.paired import sign_flip_test, swap_test

CLASSES = ("CEP", "ECL", "RRLYR")
N_POSITIONS, EACH = 30, 4


def classified(seed: int, right: float = 0.7, spread: float = 0.0) -> ClassifiedStars:
    """Stars at every position, taken for what they are with a chance that differs by position.

    The truth, and where it is easy, depend on no seed: these are the same stars.
    """
    rng = np.random.default_rng(seed)
    n_stars = len(CLASSES) * EACH
    label = np.tile(np.repeat(np.arange(len(CLASSES)), EACH), (N_POSITIONS, 1))
    chance = right + spread * np.linspace(-1.0, 1.0, N_POSITIONS)[:, None, None]
    guess = rng.integers(0, len(CLASSES), (N_POSITIONS, 2, n_stars))
    known = rng.random(guess.shape) < chance
    predicted = np.where(known, label[:, None, :], guess)
    predicted[0, 0] = -1  # too few visits in the first year
    return ClassifiedStars(
        classes=CLASSES,
        years=(1.0, 2.0),
        star_id=np.arange(label.size).reshape(label.shape),
        label=label,
        magnitude=np.full(label.shape, 20.0),
        period=np.full(label.shape, 1.0),
        predicted=predicted,
        log_loss=np.where(predicted == label[:, None], 0.1, 3.0),
    )


def test_scores_are_those_of_scikit_learn():
    stars = classified(1)
    for year in (0, 1):
        found = f1_of_counts(stars.counts(year).sum(axis=(0, 1)))
        truth, taken = stars.label.ravel(), stars.predicted[:, year].ravel()
        each = f1_score(truth, taken, labels=[0, 1, 2], average=None)
        np.testing.assert_allclose(found[1:], each)
        assert found[0] == pytest.approx(each.mean())


def test_stars_without_a_class_count_as_missed():
    stars = classified(2, right=1.0)
    first, second = (f1_of_counts(stars.counts(year).sum(axis=(0, 1))) for year in (0, 1))
    assert (second == 1.0).all()
    recall = 1.0 - 1.0 / N_POSITIONS
    np.testing.assert_allclose(first, 2.0 * recall / (1.0 + recall))
    assert stars.scores(0, 1.0)[0] == 0.0
    assert stars.scores(0, 2.0)[0] == stars.scores(1, 1.0)[0] == 1.0


def test_a_class_without_stars_has_no_score_and_no_part_in_the_mean():
    stars = classified(3)
    keep = stars.label != 1
    found = f1_of_counts(stars.counts(1, keep).sum(axis=(0, 1)))
    assert np.isnan(found[2])
    assert found[0] == pytest.approx(np.mean(found[[1, 3]]))


@pytest.mark.parametrize("unit", ["positions", "stars"])
def test_scores_that_are_means_get_the_intervals_and_tests_of_means(unit):
    rng = np.random.default_rng(4)
    a, b = (rng.normal(size=(20, 6, 2)) for _ in range(2))

    def mean(sums):
        return sums / a[..., 0].size

    pooled, plain = pooled_intervals(a, mean, unit=unit), mean_intervals(a, unit=unit)
    for end in ("mean", "low", "high"):
        np.testing.assert_allclose(getattr(pooled, end), getattr(plain, end))
    np.testing.assert_allclose(
        swap_test(a, b, mean, unit=unit, n_flips=500), sign_flip_test(a - b, unit=unit, n_flips=500)
    )


def test_a_run_against_itself_is_exactly_nothing():
    stars = classified(5)
    everywhere = np.ones(N_POSITIONS, dtype=bool)
    for unit in ("positions", "stars"):
        found, p = difference_of_scores((stars, stars), everywhere, [0], 3, unit=unit, seed=0)
        assert (p == 1.0).all()
        for end in (found.mean, found.low, found.high):
            assert (end == 0.0).all()


def test_several_years_are_those_one_by_one():
    """Also where a run has no stars: its scores are unknown in all of them."""
    everywhere, options = np.ones(N_POSITIONS, dtype=bool), {"unit": "positions", "seed": 3}
    runs = classified(1), classified(2)
    both, p = difference_of_scores(runs, everywhere, [0, 1], 3, **options)
    for k in (0, 1):
        one, alone = difference_of_scores(runs, everywhere, [k], 3, **options)
        rows = slice(4 * k, 4 * k + 4)
        np.testing.assert_array_equal(p[rows], alone)
        for end in ("mean", "low", "high"):
            np.testing.assert_array_equal(getattr(both, end)[rows], getattr(one, end))
    unknown, no_p = difference_of_scores((runs[0], None), everywhere, [0, 1], 3, **options)
    for values in (unknown.mean, unknown.low, no_p):
        np.testing.assert_array_equal(values, np.full(8, np.nan))


@pytest.mark.slow
def test_runs_alike_are_called_different_at_the_stated_rate():
    everywhere = np.ones(N_POSITIONS, dtype=bool)
    p = np.array(
        [
            difference_of_scores(
                (classified(seed, spread=0.3), classified(seed + 10_000, spread=0.3)),
                everywhere,
                [1],
                3,
                unit="positions",
                seed=seed,
            )[1]
            for seed in range(200)
        ]
    )
    # Two standard errors of 200 draws.
    assert (np.mean(p < 0.05, axis=0) <= 0.05 + 2.0 * np.sqrt(0.05 * 0.95 / 200)).all()
    assert (np.mean(p < 0.5, axis=0) > 0.35).all()  # and it is no test that never speaks


def test_a_worse_run_is_found_and_its_interval_holds_the_truth():
    everywhere = np.ones(N_POSITIONS, dtype=bool)
    truth = [
        np.mean(
            [f1_of_counts(classified(seed, right).counts(1).sum(axis=(0, 1)))[0] for seed in range(500, 700)]
        )
        for right in (0.5, 0.8)
    ]
    held, called = [], []
    for seed in range(100):
        found, p = difference_of_scores(
            (classified(seed, 0.5), classified(seed + 1000, 0.8)),
            everywhere,
            [1],
            3,
            unit="positions",
            seed=0,
        )
        held.append(found.low[0] <= truth[0] - truth[1] <= found.high[0])
        called.append(p[0] < 0.05)
    assert np.mean(held) >= 0.88
    assert np.mean(called) > 0.95


def test_shapes_that_do_not_fit():
    with pytest.raises(InputError, match="of shapes"):
        swap_test(np.zeros((2, 3, 1)), np.zeros((2, 2, 1)), lambda sums: sums, unit="positions")
    one = swap_test(np.zeros((9, 1, 1)), np.zeros((9, 1, 1)), lambda sums: sums, unit="stars")
    assert np.isnan(one).all()

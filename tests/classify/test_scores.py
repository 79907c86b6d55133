"""Scores against scikit-learn, and the bootstrap over positions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.classify import Predictions, paired_difference, score
from pelsvae_cadence.core.errors import InputError

CLASSES = ("CEP", "ECL", "RRLYR")


def predictions(seed=0, n=400, skill=0.7, classes=CLASSES, labels=CLASSES):
    rng = np.random.default_rng(seed)
    label = np.array(labels)[rng.integers(0, len(labels), n)]
    right = rng.uniform(size=n) < skill
    shown = np.where(right, label, np.array(classes)[rng.integers(0, len(classes), n)])
    probability = np.full((n, len(classes)), 0.1)
    probability[np.arange(n), [classes.index(c) for c in shown]] = 1 - 0.1 * (len(classes) - 1)
    return Predictions(
        star_id=np.arange(n),
        label=label,
        probability=probability,
        classes=classes,
        position=np.arange(n) // 20,
        magnitude=rng.uniform(17, 23, n),
    )


def test_numbers_are_those_of_scikit_learn():
    from sklearn.metrics import (
        balanced_accuracy_score,
        confusion_matrix,
        f1_score,
        log_loss,
        precision_score,
        recall_score,
    )

    found = predictions()
    got = score(found)
    pair = (found.label, found.predicted)
    assert got.macro_f1.value == pytest.approx(f1_score(*pair, average="macro"))
    assert got.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(*pair))
    assert got.log_loss.value == pytest.approx(log_loss(found.label, found.probability))
    np.testing.assert_array_equal(got.confusion, confusion_matrix(*pair))
    for k, name in enumerate(CLASSES):
        assert got.recall[name].value == pytest.approx(recall_score(*pair, average=None)[k])
        assert got.precision[name].value == pytest.approx(precision_score(*pair, average=None)[k])


def test_the_bootstrap_gives_the_scatter_of_new_samples():
    drawn = [score(predictions(seed=k), n_resamplings=1).macro_f1.value for k in range(60)]
    error = score(predictions(seed=0)).macro_f1.error
    assert error == pytest.approx(np.std(drawn), rel=0.5)


def test_differences_are_paired():
    good, bad = predictions(seed=1, skill=0.9), predictions(seed=1, skill=0.6)
    np.testing.assert_array_equal(good.label, bad.label)
    gain = paired_difference(good, bad)
    assert gain["macro_f1"].low > 0.0
    assert gain["recall_CEP"].value == pytest.approx(
        score(good).recall["CEP"].value - score(bad).recall["CEP"].value
    )
    same = paired_difference(good, good)
    assert all(e.value == e.low == e.high == 0.0 for e in same.values())
    # The error of the difference is that of pairs: smaller than that of two independent samples.
    near = paired_difference(good, predictions(seed=1, skill=0.88))["macro_f1"]
    alone = np.hypot(score(good).macro_f1.error, score(bad).macro_f1.error)
    assert near.error < 0.6 * alone


def test_a_class_that_is_absent_has_no_recall_and_does_not_count():
    found = predictions(labels=("CEP", "ECL"))
    got = score(found)
    assert np.isnan(got.recall["RRLYR"].value)
    assert got.balanced_accuracy.value == pytest.approx(
        np.mean([got.recall["CEP"].value, got.recall["ECL"].value])
    )


def test_nothing_to_score_and_strangers():
    found = predictions()
    with pytest.raises(InputError, match="no prediction"):
        score(found.take(np.empty(0, dtype=int)))
    other = predictions(classes=("CEP", "ECL", "LPV"), labels=("CEP", "ECL", "LPV"))
    with pytest.raises(InputError, match="classes differ"):
        paired_difference(found, other)
    with pytest.raises(InputError, match="label 'RRLYR' is no class"):
        replace(found, classes=("CEP", "ECL", "LPV"))

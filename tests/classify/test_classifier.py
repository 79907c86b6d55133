"""The classifier: priors, calibration, other estimators, files, and too little data."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.classify import ClassifierWarning, FeatureTable, VariableClassifier
from pelsvae_cadence.classify.classifier import default_estimator
from pelsvae_cadence.core.errors import InputError


def quick():
    """Our estimator with a tenth of its trees."""
    return default_estimator(1).set_params(max_iter=10, learning_rate=0.3)


def blobs(n=300, seed=0, distance=2.0, names=("CEP", "ECL", "RRLYR")):
    """Overlapping classes in two features, a third of pure noise, some values missing."""
    rng = np.random.default_rng(seed)
    label = np.array(names)[rng.integers(0, len(names), n)]
    centre = distance * np.searchsorted(np.array(names), label)
    values = rng.normal(size=(n, 3))
    values[:, 0] += centre
    values[:, 1] -= centre
    values[rng.uniform(size=values.shape) < 0.05] = np.nan
    return FeatureTable(star_id=np.arange(n), names=("a", "b", "c"), values=values), label


@pytest.fixture(scope="module")
def trained():
    table, label = blobs()
    return VariableClassifier(quick()).fit(table, label)


def test_it_learns_and_says_how_sure_it_is(trained):
    table, label = blobs(seed=9)
    probability = trained.predict_proba(table)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    right = trained.predict(table) == label
    assert right.mean() > 0.85
    # Calibrated: those it is sure of are right as often as it says, within three sigma.
    sure = probability.max(axis=1)
    error = np.sqrt(np.mean(sure * (1 - sure)) / sure.size)
    assert abs(right.mean() - sure.mean()) < 3 * error + 0.02


def test_priors_act_by_the_rule_of_bayes(trained):
    table, _ = blobs(n=20, seed=3)
    equal = trained.predict_proba(table)
    priors = {"CEP": 8.0, "ECL": 1.0, "RRLYR": 1.0}
    moved = trained.predict_proba(table, priors=priors)
    expected = equal * np.array([8.0, 1.0, 1.0])
    np.testing.assert_allclose(moved, expected / expected.sum(axis=1, keepdims=True), rtol=1e-9)
    with pytest.raises(InputError, match="no prior for ECL"):
        trained.predict_proba(table, priors={"CEP": 1.0})
    with pytest.raises(InputError, match="0 or more"):
        trained.predict_proba(table, priors={"CEP": -1.0, "ECL": 1.0, "RRLYR": 1.0})


def test_shares_in_training_are_no_priors():
    table, label = blobs(n=900, seed=4, distance=1.0)
    rare = (label != "CEP") | (np.arange(label.size) % 8 == 0)
    lopsided = VariableClassifier(quick()).fit(table.take(rare), label[rare])
    test, truth = blobs(n=600, seed=5, distance=1.0)
    recall = np.mean(lopsided.predict(test)[truth == "CEP"] == "CEP")
    assert recall > 0.6


def test_files_keep_every_bit_and_hold_no_pickle(trained, tmp_path):
    path = trained.save(tmp_path / "one.skops")
    again = VariableClassifier.load(path)
    table, _ = blobs(n=50, seed=6)
    np.testing.assert_array_equal(again.predict_proba(table), trained.predict_proba(table))
    assert again.feature_names == trained.feature_names
    with pytest.raises(InputError, match="no classifier at"):
        VariableClassifier.load(tmp_path / "none.skops")
    (tmp_path / "broken.skops").write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="is no classifier"):
        VariableClassifier.load(tmp_path / "broken.skops")


@pytest.mark.parametrize("estimator", [None, quick()])
def test_a_classifier_from_a_file_is_trained_anew_like_the_one_it_was(tmp_path, estimator):
    """Its estimator is what was calibrated, not the calibration: this would be calibrated again."""
    original = VariableClassifier(estimator).fit(*blobs())
    again = VariableClassifier.load(original.save(tmp_path / "c.skops"))
    assert repr(again) == repr(original)
    other = blobs(seed=3)
    for classifier in (original, again):
        classifier.fit(*other)
    assert type(again._fitted.estimator) is type(original._fitted.estimator)
    table, _ = blobs(seed=9)
    np.testing.assert_array_equal(again.predict_proba(table), original.predict_proba(table))


def test_unknown_types_in_a_file_are_refused(tmp_path):
    from sklearn.neighbors import KNeighborsClassifier

    table, label = blobs(n=80)
    classifier = VariableClassifier(KNeighborsClassifier(algorithm="kd_tree"), calibrate=False)
    path = classifier.fit(table, label).save(tmp_path / "tree.skops")
    with pytest.raises(InputError, match=r"holds objects of the type sklearn"):
        VariableClassifier.load(path)


def test_any_estimator_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    table, label = blobs()
    classifier = VariableClassifier(LogisticRegression()).fit(table, label)
    test, truth = blobs(seed=8)
    assert np.mean(classifier.predict(test) == truth) > 0.85
    with pytest.raises(InputError, match="gives no probabilities"):
        VariableClassifier(object())


def test_one_class_only():
    table, _ = blobs(n=30)
    with pytest.warns(ClassifierWarning, match="all stars are CEP"):
        classifier = VariableClassifier().fit(table, np.full(30, "CEP"))
    np.testing.assert_array_equal(classifier.predict_proba(table), np.ones((30, 1)))


def test_two_classes_and_too_few_stars_to_calibrate():
    table, label = blobs(n=200, names=("CEP", "ECL"))
    both = VariableClassifier(quick(), seed=2).fit(table, label)
    assert both.predict_proba(table).shape == (200, 2)
    few = np.concatenate([np.flatnonzero(label == "CEP"), np.flatnonzero(label == "ECL")[:2]])
    with pytest.warns(ClassifierWarning, match=r"ECL are in 2 group\(s\).*not calibrated"):
        VariableClassifier(quick(), seed=2).fit(table.take(few), label[few])


def test_a_feature_without_values_and_a_star_without_features():
    table, label = blobs()
    values = table.values.copy()
    values[:, 2] = np.nan
    with pytest.warns(ClassifierWarning, match=r"1 feature\(s\) missing .*: c"):
        classifier = VariableClassifier(quick()).fit(
            FeatureTable(star_id=table.star_id, names=table.names, values=values), label
        )
    assert classifier.feature_names == ("a", "b")
    blank = FeatureTable(star_id=np.array([7]), names=("a", "b"), values=np.full((1, 2), np.nan))
    np.testing.assert_allclose(classifier.predict_proba(blank), np.full((1, 3), 1 / 3))


def test_untrained_and_mismatched():
    table, label = blobs(n=20)
    with pytest.raises(InputError, match="not trained"):
        VariableClassifier().predict(table)
    with pytest.raises(InputError, match="5 labels for 20 stars"):
        VariableClassifier().fit(table, label[:5])

"""Classifiability through MAF: held-out stars, reduce methods, years."""

from __future__ import annotations

import copy
import math
import warnings

import numpy as np
import pytest

from pelsvae_cadence import SyntheticSurvey
from pelsvae_cadence.classify import ClassifierWarning, ClassMix
from pelsvae_cadence.classify.classifier import default_estimator
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

SURVEY = SyntheticSurvey(preset="lsst-v3", seed=0)
PLACES = [(35.0, -20.0), (150.0, -30.0), (330.0, -40.0)]
MIX = ClassMix(classes=("DSCT", "LPV", "RRLYR"), stars_per_class=4, seed=1, magnitude_range=(17.0, 20.0))
YEARS = (0.3, 1.0)


@pytest.fixture(scope="module")
def trained(maf_ready):
    from pelsvae_cadence.metrics import train_classifiers

    small = default_estimator(1).set_params(max_iter=8, learning_rate=0.4, min_samples_leaf=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClassifierWarning)  # so few stars cannot be calibrated
        return train_classifiers(SURVEY, positions=PLACES, mix=MIX, years=YEARS, estimator=small)


@pytest.fixture(scope="module")
def year():
    ra, dec = np.array([*PLACES, (60.0, 80.0)]).T
    table = SURVEY.opsim_table(ra, dec)
    return table[table["night"] < 366].to_records(index=False)


def run(metrics, array, out_dir, places=(*PLACES, (60.0, 80.0))):
    from rubin_sim import maf

    ra, dec = (list(v) for v in zip(*places, strict=True))
    slicer = maf.UserPointsSlicer(ra, dec, radius=0.01, use_camera=False, verbose=False)
    bundles = [maf.MetricBundle(m, slicer, "", run_name="test") for m in metrics]
    results = maf.db.ResultsDb(out_dir=str(out_dir))
    group = maf.MetricBundleGroup(
        dict(enumerate(bundles)), None, out_dir=str(out_dir), results_db=results, save_early=False
    )
    group.run_current("", sim_data=array)
    results.close()
    return group.bundle_dict


def test_bundles_reduce_to_maps_of_held_out_stars(trained, year, tmp_path):
    from pelsvae_cadence.metrics import ClassifiabilityMetric

    whole = trained[-1]
    calls = []
    metric = ClassifiabilityMetric(whole, min_visits=10, on_run=lambda: calls.append(1))
    bundles = run([metric], year, tmp_path)
    names = {b.metric.name.removeprefix("Classifiability_"): b for b in bundles.values()}
    assert {"macro_f1", "balanced_accuracy", "log_loss", "recall_rrlyr", "recall_lpv"} <= set(names)
    value = next(b for b in bundles.values() if b.metric.name == "Classifiability").metric_values
    # The survey never looks at the fourth position.
    assert np.ma.getmaskarray(value).tolist() == [False, False, False, True]
    held_out = whole.held_out
    for i, (ra, dec) in enumerate(PLACES):
        one = value[i]
        assert one["confusion"].sum() == 12
        # The same stars as in training, and so the same answers: none of them was learned there.
        mine = np.isin(held_out.star_id, one["star_id"])
        assert mine.sum() == 12
        part = int(whole.split.part_of(ra, dec))
        assert whole.at(ra, dec) is whole.classifiers[part]
        f1 = names["macro_f1"].metric_values[i]
        assert 0.0 <= f1 <= 1.0
        recall = np.mean(one["predicted"][one["label"] == "LPV"] == "LPV")
        assert names["recall_lpv"].metric_values[i] == pytest.approx(recall)
    # A class that is not there has no recall: masked, not zero.
    assert names["recall_ecl"].metric_values.mask.all()
    assert len(calls) == 3


def test_years_to_classification(trained, year, tmp_path):
    from pelsvae_cadence.metrics import TimeToClassificationMetric

    metric = TimeToClassificationMetric(trained, SURVEY.mjd_start, min_visits=5)
    bundles = run([metric], year, tmp_path, places=PLACES[:1])
    value = next(b for b in bundles.values() if b.metric.name == "TimeToClassification").metric_values[0]
    np.testing.assert_array_equal(value["years"], YEARS)
    assert value["n_visits"][0] < value["n_visits"][1]
    reached = value["balanced_accuracy"] >= 0.5
    expected = np.array(YEARS)[reached][0] if reached.any() else np.nan
    np.testing.assert_equal(value["years_to_50"], expected)
    single = next(b for b in bundles.values() if b.metric.name.endswith("macro_f1_year_1"))
    assert single.metric_values[0] == value["macro_f1"][1]


def test_a_classifier_survives_the_disk_and_maf_copies(trained, tmp_path):
    whole = trained[-1]
    again = SurveyClassifier.load(whole.save(tmp_path / "kept"))
    assert again.mix == whole.mix
    assert again.years == 1.0
    np.testing.assert_array_equal(again.held_out.probability, whole.held_out.probability)
    assert again.at(*PLACES[0]).feature_names == whole.at(*PLACES[0]).feature_names
    assert copy.deepcopy(whole) is whole
    with pytest.raises(InputError, match="holds no classifier"):
        SurveyClassifier.load(tmp_path)


def test_what_is_refused(trained, year):
    from pelsvae_cadence.metrics import ClassifiabilityMetric, TimeToClassificationMetric, train_classifiers

    with pytest.raises(InputError, match="train_classifiers"):
        ClassifiabilityMetric("RRab")
    with pytest.raises(InputError, match="no ra and dec"):
        ClassifiabilityMetric(trained[0]).run(year)
    with pytest.raises(InputError, match="rising"):
        TimeToClassificationMetric(trained[::-1], SURVEY.mjd_start)
    late = TimeToClassificationMetric(trained, SURVEY.mjd_start + 100.0)
    with pytest.raises(InputError, match="before survey_start"):
        late.run(year, {"ra": math.radians(35.0), "dec": math.radians(-20.0)})
    with pytest.raises(InputError, match="already in memory"):
        train_classifiers(SURVEY, constraint="night < 100")


def test_maps_of_the_sky(trained, tmp_path):
    """A HealpixSlicer through MAF, and the same numbers as at single positions."""
    import healpy

    from pelsvae_cadence.metrics import map_classifiability

    short = trained[0]
    seen = []
    options = {"stars_per_class": 2, "min_visits": 10}
    found = map_classifiability(
        SURVEY,
        short,
        nside=1,
        out_dir=tmp_path / "map",
        **options,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (12, 12)
    frame = found.positions
    recalls = [column for column in frame if column.startswith("recall_")]
    assert recalls == ["recall_DSCT", "recall_LPV", "recall_RRLYR"]
    np.testing.assert_allclose(frame[recalls].mean(axis=1), frame["balanced_accuracy"])
    # The southern half has visits, the northern cap has none.
    sky = found.sky("recall_LPV")
    assert sky.shape == (12,)
    assert np.isfinite(sky).sum() == len(frame) < 12
    assert frame["dec"].max() < 35.0
    # Only as many visits as the classifier's 0.3 years hold.
    row = frame.iloc[0]
    visits = SURVEY.at(row["ra"], row["dec"])
    assert row["n_visits"] == np.sum(visits.mjd < SURVEY.mjd_start + 0.3 * 365.25)
    one = map_classifiability(
        SURVEY, short, positions=[(row["ra"], row["dec"])], out_dir=tmp_path / "one", **options
    )
    for column in ("macro_f1", "log_loss", *recalls):
        assert one.positions[column][0] == pytest.approx(row[column])
    with pytest.raises(InputError, match="no map"):
        one.sky("macro_f1")
    with pytest.raises(InputError, match="no column 'recall_CEP'"):
        found.sky("recall_CEP")
    assert healpy.ang2pix(1, row["ra"], row["dec"], lonlat=True) in np.flatnonzero(np.isfinite(sky))
    assert {path.is_file() for path in found.files.values()} == {True}
    assert not list((tmp_path / "map").glob(".finished*"))


def test_maps_refuse(trained, tmp_path):
    from pelsvae_cadence.metrics import map_classifiability

    for options, message in (
        ({"nside": 3}, "power of two"),
        ({}, "Give one of them"),
        ({"positions": []}, "no position"),
        ({"positions": [(60.0, 85.0)]}, "no (visit|position)"),
    ):
        with pytest.raises(InputError, match=message):
            map_classifiability(SURVEY, trained[0], out_dir=tmp_path, **options)


@pytest.fixture(scope="module")
def read(year, maf_ready, tmp_path_factory):
    from pelsvae_cadence.metrics import ClassifiabilityMetric

    mix = ClassMix(classes=("LPV", "RRLYR"), stars_per_class=2, seed=1, magnitude_range=(17.0, 20.0))
    metric = ClassifiabilityMetric(mix=mix, method="learned", min_visits=10)
    bundles = run([metric], year, tmp_path_factory.mktemp("read"), PLACES[:1])
    return {b.metric.name: b for b in bundles.values()}


@pytest.mark.slow
def test_a_reading_needs_no_training(read):
    value = read["Classifiability learned"].metric_values.data[0]
    assert value["confusion"].sum() == 4
    assert value["label"].tolist() == ["LPV", "LPV", "RRLYR", "RRLYR"]
    np.testing.assert_allclose(value["probability"].sum(axis=1), 1.0)
    best = value["probability"].argmax(axis=1)
    assert value["predicted"].tolist() == [("LPV", "RRLYR")[k] for k in best]
    truth = value["probability"][np.arange(4), [0, 0, 1, 1]]
    assert value["log_loss"] == pytest.approx(-np.log(truth).mean())
    # Stars of so different periods and colours are told apart after a year.
    assert value["balanced_accuracy"] == read["Classifiability learned_balanced_accuracy"].metric_values[0]
    assert value["recall_RRLYR"] == 1.0
    assert np.isnan(value["recall_CEP"])


def test_a_reading_has_no_classifier_and_tells_the_eight_classes(trained):
    from pelsvae_cadence.metrics import ClassifiabilityMetric

    with pytest.raises(InputError, match="a reading needs none"):
        ClassifiabilityMetric(trained[0], method="learned")
    with pytest.raises(InputError, match="does not tell 'constant'"):
        ClassifiabilityMetric(mix=ClassMix(classes=("CEP", "constant")), method="learned")
    with pytest.raises(InputError, match="unknown method"):
        ClassifiabilityMetric(method="fourier")
    with pytest.raises(InputError, match="a classifier has its own"):
        ClassifiabilityMetric(trained[0], mix=MIX)
    whole = ClassifiabilityMetric(method="learned", survey="ztf", stars_per_class=3)
    assert len(whole.mix.classes) == 8
    assert whole.mix.reference_band == "zr"
    assert whole.mix.stars_per_class == 3
    assert "reading" in whole.comment

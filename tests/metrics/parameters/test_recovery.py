"""Distances, temperatures and periods in MAF: bundles, years, and stars that have no distance."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import read_survey
from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

WIDE = (0.0, -30.0)
STARS = {"star_class": "CEP", "magnitude": 20.0, "stars_per_position": 4, "period_range": (0.8, 12.0)}
YEARS = (0.01, 1.8, 2.4)


@pytest.fixture(scope="module")
def baseline(shared_data):
    return str(shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db")


@pytest.fixture(scope="module")
def bundles(maf_ready, baseline, tmp_path_factory):
    """Parameters and years to a distance, at a position with visits and one without, from sqlite."""
    from rubin_sim import maf

    from pelsvae_cadence.metrics import parameter_recovery_batch

    slicer = maf.UserPointsSlicer(
        [WIDE[0], 0.0], [WIDE[1], 60.0], radius=1.75, use_camera=False, verbose=False
    )
    made = parameter_recovery_batch(
        run_name="test",
        extra_sql="night < 876",
        slicer=slicer,
        star_classes=[STARS["star_class"]],
        magnitudes=[STARS["magnitude"]],
        years=YEARS,
        stars_per_position=STARS["stars_per_position"],
        period_range=STARS["period_range"],
    )
    out = tmp_path_factory.mktemp("parameters")
    results = maf.db.ResultsDb(out_dir=str(out))
    group = maf.MetricBundleGroup(made, baseline, out_dir=str(out), results_db=results)
    group.run_all()
    results.close()
    return {bundle.metric.name: bundle for bundle in group.bundle_dict.values()}


def test_values_are_those_of_the_stars(bundles):
    found = bundles["ParameterRecovery CEP r20"].metric_values
    assert found.mask.tolist() == [False, True]
    value = found.data[0]
    error = value["distance"] - value["distance_true"]
    np.testing.assert_array_equal(value["distance_is_good"], np.abs(error) <= 0.1)
    assert value["distance_good"] == value["distance_is_good"].mean()
    assert value["distance_bias"] == np.median(error)
    inside = (value["distance_low"] <= value["distance_true"]) & (
        value["distance_true"] <= value["distance_high"]
    )
    assert value["distance_coverage"] == inside.mean()
    # Cepheids after two years: the relation is narrow, and classes and periods are known.
    assert 0.02 < value["distance_width"] < 0.3
    assert value["period_good"] >= 0.75
    assert value["period_width"] < 1e-3
    assert np.all(np.abs(value["temperature"] - value["temperature_true"]) < 1500.0)


def test_every_value_has_a_map_and_summaries(bundles):
    from pelsvae_cadence.metrics.parameters.recovery import PARAMETER_VALUES

    for name in PARAMETER_VALUES:
        bundle = bundles[f"ParameterRecovery CEP r20_{name}"]
        value = bundles["ParameterRecovery CEP r20"].metric_values.data[0][name]
        assert bundle.metric_values.data[0] == pytest.approx(value)
        assert set(bundle.summary_values) == {"Mean", "Median", "Positions"}
    assert "[mag]" in PARAMETER_VALUES["distance_width"]
    assert "[K]" in PARAMETER_VALUES["temperature_bias"]
    assert len({bundle.file_root for bundle in bundles.values()}) == len(bundles)


def test_the_last_year_is_all_visits(bundles):
    years = bundles["TimeToDistance CEP r20"].metric_values.data[0]
    whole = bundles["ParameterRecovery CEP r20"].metric_values.data[0]
    assert years["years"].tolist() == list(YEARS)
    assert years["good"][0] == 0.0  # hardly any visits
    assert np.isnan(years["width"][0])
    assert years["good"][2] == whole["distance_good"]
    assert years["width"][2] == whole["distance_width"]
    assert (np.diff(years["n_visits"]) > 0).all()
    reached = np.flatnonzero(years["good"] >= 0.5)
    if reached.size:
        assert years["years_to_50"] == YEARS[reached[0]]
    else:
        assert np.isnan(years["years_to_50"])
    first = years["first_year"]
    assert np.mean(first <= YEARS[1]) == years["good"][1]
    assert (years["good_low"] <= years["good"]).all()
    assert (years["good"] <= years["good_high"]).all()


def test_stars_without_a_relation_have_no_distance(maf_ready, baseline):
    from pelsvae_cadence.metrics import ParameterRecoveryMetric
    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    source = open_survey(read_survey(baseline, constraint="night < 730"), positions=[])
    near = np.hypot(source.array["fieldRA"] % 360.0, source.array["fieldDec"] + 30.0) < 1.5
    metric = ParameterRecoveryMetric(
        mjd_col=source.columns["mjd"],
        mjd_is_middle=True,
        visit_id_col=source.visit_id,
        star_class="Mira",
        magnitude=18.0,
        stars_per_position=2,
        period_range=(80.0, 1000.0),
    )
    value = metric.run(source.array[near], {"ra": 0.0, "dec": np.radians(-30.0), "sid": 0})
    assert value["distance_good"] == value["distance_known"] == 0.0
    assert np.isnan(value["distance_width"])
    assert metric.reduce_distance_width(value) == metric.badval
    assert value["temperature_known"] == 1.0


def test_a_map_of_dust_is_not_exact_and_does_not_depend_on_the_survey(maf_ready):
    from pelsvae_cadence.metrics.position.observe import StarSample, stars_at
    from pelsvae_cadence.metrics.position.recovery import _of_map

    stars, _ = stars_at(StarSample(star_class="RRab", n=400), 10.0, -20.0, ebv=0.5)
    told = _of_map(stars, 1)
    assert np.std(told / stars.ebv) == pytest.approx(0.16, rel=0.15)
    assert np.mean(told) == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(_of_map(stars.take([7]), 1), told[7:8])
    assert (told >= 0.0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "harmonic"}, "A search finds periods only"),
        ({"distance_accuracy": 0.0}, "distance_accuracy"),
        ({"temperature_accuracy": float("nan")}, "temperature_accuracy"),
        ({"magnitude": None}, "Give one of the two"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(maf_ready, options, message):
    from pelsvae_cadence.metrics import ParameterRecoveryMetric

    with pytest.raises(InputError, match=message):
        ParameterRecoveryMetric(**options)


def test_years_to_what_no_reading_tells_are_refused(maf_ready):
    from pelsvae_cadence.metrics import TimeToParameterMetric

    with pytest.raises(InputError, match="unknown parameter"):
        TimeToParameterMetric("metallicity")
    with pytest.raises(InputError, match="baseline grows"):
        TimeToParameterMetric(baseline=100.0)
    with pytest.raises(InputError, match="survey_years"):
        TimeToParameterMetric(survey_years=0.0)
    metric = TimeToParameterMetric(
        "temperature", star_class="RRab", magnitude=21.0, temperature_accuracy=150.0
    )
    assert metric.name == "TimeToTemperature RRab r21"
    assert "150 K" in metric.comment

"""The MAF metric in MAF's own bundles, groups and slicers."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import read_survey
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.position.observe import StarSample, stars_at, stars_of_position
from pelsvae_cadence.metrics.position.options import SliceOptions
from pelsvae_cadence.metrics.position.visits import visits_from_slice

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

WIDE = (0.0, -30.0)
OTHER = (30.0, -45.0)
DEEP = (150.0, 2.21)


@pytest.fixture(scope="module")
def maf(maf_ready):
    from rubin_sim import maf

    return maf


@pytest.fixture(scope="module")
def metric_class(maf):
    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    return PeriodRecoveryMetric


@pytest.fixture(scope="module")
def baseline(shared_data):
    return str(shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db")


def _points(maf, *positions):
    ra, dec = (list(v) for v in zip(*positions, strict=True))
    return maf.slicers.UserPointsSlicer(ra, dec, radius=1.75, use_camera=False, verbose=False)


def _group(maf, bundles, database, out_dir, constraint, sim_data=None):
    results = maf.db.ResultsDb(out_dir=str(out_dir))
    group = maf.MetricBundleGroup(bundles, database, out_dir=str(out_dir), results_db=results)
    if sim_data is None:
        group.run_all()
    else:
        group.run_current(constraint, sim_data=sim_data)
    return group, results


@pytest.fixture(scope="module")
def wide_run(maf, metric_class, baseline, tmp_path_factory):
    """Two magnitudes, two positions and the visits themselves, in one group from sqlite."""
    constraint = "night < 1461"
    slicer = _points(maf, WIDE, OTHER)
    options = {"star_class": "RRab", "stars_per_position": 4, "seed": 3}
    metrics = [metric_class(magnitude=m, **options) for m in (19.0, 26.5)]
    columns = SliceOptions(visit_id_col="observationId")
    passed = maf.metrics.PassMetric(columns.columns)
    bundles = [
        maf.MetricBundle(
            metric,
            slicer,
            constraint,
            run_name="test",
            info_label="four years",
            summary_metrics=None if metric is passed else [maf.metrics.MeanMetric()],
        )
        for metric in [*metrics, passed]
    ]
    out_dir = tmp_path_factory.mktemp("wide")
    group, results = _group(maf, bundles, baseline, out_dir, constraint)
    return bundles, group, results, out_dir


def test_bright_rr_lyrae_are_recovered_and_invisible_ones_are_not(wide_run):
    (bright, faint, _), _, _, _ = wide_run
    for value in bright.metric_values:
        assert value["recovered_or_half"] >= 0.75
        assert value["n_visits"] > 100
    for value in faint.metric_values:
        assert value["recovered"] == 0.0
        assert value["no_detection"] == 1.0


def test_fractions_add_up(wide_run):
    for bundle in wide_run[0][:2]:
        for value in bundle.metric_values:
            verdicts = ("recovered", "imprecise", "harmonic", "alias", "wrong", "no_detection")
            assert sum(value[name] for name in verdicts) == pytest.approx(1.0)
            assert value["recovered"] == np.mean(value["verdict"] == "exact")
            assert value["strict"] <= value["recovered"] <= value["recovered_or_half"]
            assert value["daily_alias"] <= value["alias"]
            assert np.isnan(value["period_error"]) == (value["recovered"] == 0.0)
            assert not value["period_error"] > 1e-3


def test_all_magnitudes_show_the_same_stars(wide_run):
    bright, faint, _ = wide_run[0]
    for one, other in zip(bright.metric_values, faint.metric_values, strict=True):
        # The upper bits of a number hold the magnitude; below, it is one star.
        np.testing.assert_array_equal(one["star_id"] % 2**50, other["star_id"] % 2**50)
        assert not set(one["star_id"]) & set(other["star_id"])
        np.testing.assert_array_equal(one["true_period"], other["true_period"])


def test_the_metric_sees_the_visits_of_the_survey(wide_run, baseline):
    """Visit by visit, against the library's own reading of the database."""
    survey = read_survey(baseline, constraint="night < 1461")
    columns = SliceOptions(visit_id_col="observationId")
    for (ra, dec), data_slice in zip((WIDE, OTHER), wide_run[0][2].metric_values, strict=True):
        ours = visits_from_slice(data_slice, columns)
        theirs = survey.at(ra, dec, radius=1.75)
        one, other = np.argsort(ours.visit_id), np.argsort(theirs.visit_id)
        np.testing.assert_array_equal(ours.visit_id[one], theirs.visit_id[other])
        for name in ("mjd", "band", "m5", "night", "exptime"):
            np.testing.assert_array_equal(
                getattr(ours, name)[one], getattr(theirs, name)[other], err_msg=name
            )


def test_reduce_methods_become_bundles_with_summaries(wide_run, maf, metric_class):
    bundles, group, _results, out_dir = wide_run
    name = bundles[0].metric.name
    for reduced in metric_class().reduce_funcs:
        bundle = group.bundle_dict[f"{name}_{reduced}"]
        assert bundle.metric_values.shape == (2,)
        assert np.isfinite(bundle.metric_values.compressed().astype(float)).all()
        assert set(bundle.summary_values) == {"Mean"}
        again = maf.create_empty_metric_bundle()
        again.read(str(out_dir / f"{bundle.file_root}.npz"))
        np.testing.assert_array_equal(again.metric_values, bundle.metric_values)
    assert bundles[0].summary_values in (None, {})


def test_results_can_be_gathered(wide_run, maf):
    from rubin_sim.maf.run_comparison import combine_result_dbs

    _bundles, group, results, out_dir = wide_run
    table = combine_result_dbs([str(out_dir)])
    assert table.index.tolist() == ["test"]
    assert table.shape[1] == 2 * 14
    bundle = group.bundle_dict["PeriodRecovery RRab r19_recovered"]
    column = "Mean PeriodRecovery RRab r19_recovered four years UserPointsSlicer"
    assert table.loc["test", column] == bundle.summary_values["Mean"]
    identity = results.get_metric_id(metric_name="PeriodRecovery RRab r19_recovered")
    assert len(identity) == 1


def test_a_healpix_map_in_memory_shows_the_stars_of_the_position(maf, metric_class, tmp_path):
    """A toy survey with one pointing: one pixel sees it, and an explicit point there agrees."""
    import healpy

    pixel = 300
    ra, dec = healpy.pix2ang(8, pixel, lonlat=True)
    rng = np.random.default_rng(1)
    n = 120
    values = {
        "fieldRA": np.full(n, ra),
        "fieldDec": np.full(n, dec),
        "rotSkyPos": np.zeros(n),
        "observationStartMJD": 60300.0 + np.sort(rng.uniform(0, 300, n)),
        "band": rng.choice(list("gri"), n),
        "fiveSigmaDepth": np.full(n, 24.2),
        "night": np.arange(n),
        "visitExposureTime": np.full(n, 30.0),
    }
    table = np.empty(n, dtype=[(k, v.dtype) for k, v in values.items()])
    for name, value in values.items():
        table[name] = value
    options = {"star_class": "RRab", "magnitude": 20.0, "stars_per_position": 3}
    grid = maf.slicers.HealpixSlicer(nside=8, use_camera=False, use_cache=False, radius=1.75, verbose=False)
    point = _points(maf, (ra, dec))
    bundles = [maf.MetricBundle(metric_class(**options), s, "") for s in (grid, point)]
    _group(maf, bundles, None, tmp_path, "", sim_data=table)
    on_map, at_point = (b.metric_values for b in bundles)
    assert np.flatnonzero(~on_map.mask).tolist() == [pixel]
    # Same stars, same noise, same verdicts, whichever slicer asks.
    for key in ("star_id", "true_period", "found_period", "verdict"):
        np.testing.assert_array_equal(on_map.data[pixel][key], at_point.data[0][key])
    # The upper bits hold the magnitude: each magnitude has noise of its own.
    numbers = stars_of_position(ra, dec, 3, "RRab") + (2000 << 50)
    assert on_map.data[pixel]["star_id"].tolist() == numbers.tolist()


def test_a_constraint_takes_visits_away_but_not_stars(wide_run, metric_class, maf, baseline, tmp_path):
    metric = metric_class(star_class="RRab", magnitude=19.0, stars_per_position=4, seed=3)
    bundle = maf.MetricBundle(metric, _points(maf, WIDE), "night < 366", run_name="one year")
    _group(maf, [bundle], baseline, tmp_path, "night < 366")
    short, long = bundle.metric_values.data[0], wide_run[0][0].metric_values.data[0]
    assert short["n_visits"] < long["n_visits"]
    np.testing.assert_array_equal(short["true_period"], long["true_period"])


def test_few_visits_are_masked_and_many_are_thinned(maf, metric_class, baseline, tmp_path):
    empty = (0.0, 60.0)
    few = metric_class(magnitude=20.0, stars_per_position=1, min_visits=500, metric_name="few")
    many = metric_class(magnitude=20.0, stars_per_position=1, max_visits=600, metric_name="many")
    slicer = _points(maf, WIDE, DEEP, empty)
    bundles = [maf.MetricBundle(m, slicer, "night < 800", run_name="test") for m in (few, many)]
    _group(maf, bundles, baseline, tmp_path, "night < 800")
    assert bundles[0].metric_values.mask.tolist() == [True, False, True]
    assert bundles[1].metric_values.mask.tolist() == [False, False, True]
    deep = bundles[1].metric_values.data[1]
    assert deep["n_visits_all"] > 10_000
    assert 300 < deep["n_visits"] <= 600


def test_the_dust_of_the_slice_point_reddens_the_stars():
    sample = StarSample(star_class="RRab", n=2)
    clear, _ = stars_at(sample, 10.0, -20.0)
    dusty, _ = stars_at(sample, 10.0, -20.0, ebv=0.4)
    assert dusty.ebv.tolist() == [0.4, 0.4]
    np.testing.assert_array_equal(dusty.period, clear.period)


def test_a_distance_modulus_can_replace_the_magnitude(metric_class):
    metric = metric_class(magnitude=None, distance_modulus=18.5)
    assert metric.name == "PeriodRecovery RRab mu18.5"


def test_star_numbers_are_those_of_the_position():
    here = stars_of_position(10.0, -20.0, 5, "RRab")
    assert np.array_equal(here, stars_of_position(370.0, -20.0, 5, "rrab"))
    assert not set(here.tolist()) & set(stars_of_position(10.1, -20.0, 5, "RRab").tolist())
    assert not set(here.tolist()) & set(stars_of_position(10.0, -20.0, 5, "RRc").tolist())
    assert (stars_of_position(359.99, 89.9, 2, "RRc") >= 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"star_class": "QSO"}, "unknown star class"),
        ({"survey": "des"}, "unknown survey"),
        ({"magnitude": None}, "Give one of the two"),
        ({"distance_modulus": 18.5}, "Give one of the two"),
        ({"reference_band": "k"}, "unknown band"),
        ({"stars_per_position": 0}, "stars_per_position"),
        ({"min_visits": 0}, "min_visits"),
        ({"max_visits": 5}, "max_visits"),
        ({"stack_minutes": 0.0}, "stack_minutes"),
        ({"period_range": (2.0, 1.0)}, "shortest < longest"),
        ({"period_range": "all"}, "period_range"),
        ({"baseline": -1.0}, "baseline"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(metric_class, options, message):
    with pytest.raises(InputError, match=message):
        metric_class(**options)


def test_a_slicer_without_positions_is_refused(metric_class):
    with pytest.raises(InputError, match="no ra and dec"):
        metric_class().run(np.zeros(30), {"sid": 0})


def test_a_known_class_narrows_the_periods(metric_class, shared_data):
    """Within the range of its class no alias outside of it can be found."""
    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    survey = read_survey(
        shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db", constraint="night < 366"
    )
    source = open_survey(survey, positions=[])
    near = np.hypot(source.array["fieldRA"] % 360.0, source.array["fieldDec"] + 30.0) < 1.5
    options = {
        "mjd_col": source.columns["mjd"],
        "mjd_is_middle": True,
        "visit_id_col": source.visit_id,
        "star_class": "RRab",
        "magnitude": 23.0,
        "stars_per_position": 12,
    }
    point = {"ra": 0.0, "dec": np.radians(-30.0), "sid": 0}
    blind, known = (
        metric_class(period_range=value, **options).run(source.array[near], point)
        for value in (None, "class")
    )
    low, high = 0.2, 0.9  # RR Lyrae of all modes
    assert ((known["found_period"] > low) & (known["found_period"] < high)).all()
    assert known["within_1pct"] >= blind["within_1pct"]


def test_a_mix_observes_the_stars_of_its_classes(metric_class, shared_data):
    from pelsvae_cadence.metrics.position.observe import StarSample, stars_at

    mix, _ = stars_at(StarSample(star_class="RRab+CEP+EW", n=8), 10.0, -20.0)
    assert np.unique(mix.star_class, return_counts=True)[1].tolist() == [3, 2, 3]
    for name, n in (("RRab", 3), ("CEP", 3), ("EW", 2)):
        alone, _ = stars_at(StarSample(star_class=name, n=n), 10.0, -20.0)
        mine = np.isin(mix.star_id, alone.star_id)
        assert mine.sum() == n
        np.testing.assert_array_equal(mix.period[mine], alone.period)
    with pytest.raises(InputError, match="twice"):
        metric_class(star_class="RRab+rrab", stars_per_position=4)
    with pytest.raises(InputError, match="stars_per_position"):
        metric_class(star_class="RRab+CEP", stars_per_position=1)

    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    survey = read_survey(
        shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db", constraint="night < 366"
    )
    source = open_survey(survey, positions=[])
    near = np.hypot(source.array["fieldRA"] % 360.0, source.array["fieldDec"] + 30.0) < 1.5
    options = {
        "mjd_col": source.columns["mjd"],
        "mjd_is_middle": True,
        "visit_id_col": source.visit_id,
        "magnitude": 20.0,
    }
    point = {"ra": 0.0, "dec": np.radians(-30.0), "sid": 0}
    both = metric_class(star_class="RRab+EW", stars_per_position=4, **options).run(source.array[near], point)
    alone = metric_class(star_class="RRab", stars_per_position=2, **options).run(source.array[near], point)
    mine = np.isin(both["star_id"], alone["star_id"])
    np.testing.assert_array_equal(both["verdict"][mine], alone["verdict"])
    assert both["recovered"] == pytest.approx(np.mean(both["verdict"] == "exact"))


@pytest.fixture(scope="module")
def read_run(maf, metric_class, baseline, tmp_path_factory):
    """The same stars by both methods, in one group from sqlite."""
    options = {"star_class": "RRab", "magnitude": 21.0, "stars_per_position": 3, "period_range": (0.3, 1.2)}
    bundles = [
        maf.MetricBundle(
            metric_class(method=method, **options),
            _points(maf, WIDE, (0.0, 60.0)),
            "night < 900",
            run_name="test",
            summary_metrics=[maf.metrics.MeanMetric()],
        )
        for method in ("harmonic", "learned")
    ]
    out_dir = tmp_path_factory.mktemp("read")
    return bundles, *_group(maf, bundles, baseline, out_dir, "night < 900")


def test_a_reading_is_a_metric_of_its_own_on_the_same_stars(read_run):
    (searched, read), group, results = read_run
    assert read.metric.name == f"{searched.metric.name} learned"
    assert read.file_root != searched.file_root
    assert read.metric_values.mask.tolist() == searched.metric_values.mask.tolist() == [False, True]
    one, other = searched.metric_values.data[0], read.metric_values.data[0]
    for key in ("star_id", "true_period", "n_visits", "n_visits_all"):
        np.testing.assert_array_equal(one[key], other[key])
    assert other["recovered"] >= 2 / 3
    assert len(results.get_metric_id(metric_name="PeriodRecovery RRab r21 learned_recovered")) == 1
    named = {bundle.metric.name for bundle in group.bundle_dict.values()}
    assert "PeriodRecovery RRab r21 learned_stated" in named
    assert "PeriodRecovery RRab r21_stated" not in named  # a search states nothing


def test_stated_probabilities_are_those_of_the_stars(read_run):
    value = read_run[0][1].metric_values.data[0]
    stated = value["probability"]
    assert value["stated"] == pytest.approx(stated.mean())
    assert value["confident"] == np.mean(stated >= 0.9)
    assert value["no_detection"] == np.mean(stated < 0.5)
    right = np.abs(value["found_period"] / value["true_period"] - 1.0) < 1e-3
    assert value["stated_right"] == right.mean()
    assert value["confident_right"] == right[stated >= 0.9].mean()
    assert value["class_right"] == np.mean(value["read_class"] == "RRLYR")


def test_a_level_decides_what_a_reading_detects(metric_class, read_run):
    assert metric_class().options.false_alarm_level == 0.01
    assert metric_class(method="learned").options.false_alarm_level == 0.5
    keywords = read_run[0][1].metric.options.keywords
    assert metric_class(**{**keywords, "false_alarm_level": 0.1}).options.false_alarm_level == 0.1
    with pytest.raises(InputError, match="unknown method"):
        metric_class(method="fourier")


def test_runs_of_two_methods_are_no_continuation_of_each_other(read_run):
    from pelsvae_cadence.metrics.maf.bundle_group import fingerprint_of

    searched, read = read_run[0]
    named_alike = read.metric
    assert fingerprint_of({"x": searched}) != fingerprint_of({"x": read})
    name, named_alike.name = named_alike.name, searched.metric.name
    try:  # the options tell, whatever the name
        assert fingerprint_of({"x": searched}) != fingerprint_of({"x": read})
    finally:
        named_alike.name = name

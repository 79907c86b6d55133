"""Years until the stars of a position have their periods."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence import read_survey
from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

WIDE = (0.0, -30.0)
OPTIONS = {"star_class": "RRab", "magnitude": 21.0, "stars_per_position": 6, "seed": 3}
RANGE = {"period_range": (0.2, 10.0)}
START = 60218.0


@pytest.fixture(scope="module")
def maf(maf_ready):
    from rubin_sim import maf

    return maf


@pytest.fixture(scope="module")
def metric_class(maf):
    from pelsvae_cadence.metrics import TimeToRecoveryMetric

    return TimeToRecoveryMetric


@pytest.fixture(scope="module")
def baseline(shared_data):
    return shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"


def _run(maf, metrics, slicer, database, constraint, out_dir, sim_data=None):
    bundles = [maf.MetricBundle(m, slicer, constraint, run_name="test") for m in metrics]
    results = maf.db.ResultsDb(out_dir=str(out_dir))
    group = maf.MetricBundleGroup(bundles, database, out_dir=str(out_dir), results_db=results)
    if sim_data is None:
        group.run_all()
    else:
        group.run_current(constraint, sim_data=sim_data)
    results.close()
    return [bundle.metric_values for bundle in bundles], group.bundle_dict


@pytest.fixture(scope="module")
def first_night(baseline):
    from pelsvae_cadence.metrics import first_visit

    return first_visit(baseline)


@pytest.fixture(scope="module")
def wide_run(maf, metric_class, baseline, first_night, tmp_path_factory):
    """Four years at one position with visits and one without."""
    slicer = maf.slicers.UserPointsSlicer(
        [WIDE[0], 0.0], [WIDE[1], 60.0], radius=1.75, use_camera=False, verbose=False
    )
    seen = []
    metric = metric_class(
        years=(1, 2, 4, 10), survey_start=first_night, on_run=lambda: seen.append(1), **OPTIONS, **RANGE
    )
    values, bundles = _run(
        maf, [metric], slicer, str(baseline), "night < 1400", tmp_path_factory.mktemp("wide")
    )
    assert seen == [1]  # MAF does not ask where there is no visit
    return values[0], bundles


def test_the_first_visit_is_that_of_the_whole_survey(baseline, first_night):
    survey = read_survey(baseline)
    # The library's times are those of mid-exposure, 15 s later.
    assert survey.mjd.min() - first_night == pytest.approx(15 / 86400, abs=1e-8)
    from pelsvae_cadence.metrics import first_visit

    assert first_visit(survey) == survey.mjd.min()


def test_the_fraction_of_a_year_is_that_of_the_recovery_metric(
    wide_run, maf, baseline, first_night, tmp_path
):
    """The same stars, points and verdicts as under a constraint on the time."""
    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    slicer = maf.slicers.UserPointsSlicer([WIDE[0]], [WIDE[1]], radius=1.75, use_camera=False, verbose=False)
    constraint = f"observationStartMJD < {first_night + 2 * 365.25}"
    values, _ = _run(
        maf, [PeriodRecoveryMetric(**OPTIONS, **RANGE)], slicer, str(baseline), constraint, tmp_path
    )
    alone, ours = values[0].data[0], wide_run[0].data[0]
    assert ours["recovered"][1] == alone["recovered"]
    assert ours["n_visits"][1] == alone["n_visits_all"]
    np.testing.assert_array_equal(ours["star_id"], alone["star_id"])
    exact = alone["verdict"] == "exact"
    assert exact.any()
    assert (ours["first_year"][exact] <= 2).all()


def test_years_that_the_survey_does_not_reach_are_masked(wide_run):
    values, bundles = wide_run
    assert values.mask.tolist() == [False, True]
    value = values.data[0]
    # Visits end in the fourth year: it counts, the tenth does not.
    assert np.isfinite(value["recovered"]).tolist() == [True, True, True, False]
    assert np.isnan(value["recovered_low"][3])
    name = "TimeToRecovery RRab r21"
    assert bundles[f"{name}_recovered_year_10"].metric_values.mask.all()
    assert not bundles[f"{name}_recovered_year_2"].metric_values.mask[0]


def test_values_agree_among_themselves(wide_run):
    value, bundles = wide_run[0].data[0], wide_run[1]
    recovered = value["recovered"][:3]
    low, high = value["recovered_low"][:3], value["recovered_high"][:3]
    assert (np.diff(value["n_visits"][:3]) > 0).all()
    assert (low <= recovered).all()
    assert (recovered <= high).all()
    assert (high - low > 0.1).all()  # six stars say little
    # Wilson's interval of six out of six starts at n / (n + z^2), and z is one.
    assert low[recovered == 1.0] == pytest.approx(6 / 7, abs=1e-3)
    ever = np.isfinite(value["first_year"]).mean()
    assert ever >= recovered.max()
    first = value["years"][np.flatnonzero(recovered >= 0.5)[0]]
    assert value["years_to_50"] == first
    reduced = bundles["TimeToRecovery RRab r21_years_to_50"].metric_values
    assert reduced[0] == first
    assert reduced.mask.tolist() == [False, True]


def _table(mjd):
    n = mjd.size
    values = {
        "fieldRA": np.full(n, 20.0),
        "fieldDec": np.full(n, -30.0),
        "rotSkyPos": np.zeros(n),
        "observationStartMJD": mjd,
        "band": np.resize(list("gri"), n),
        "fiveSigmaDepth": np.full(n, 24.2),
        "night": np.floor(mjd - START).astype(int),
        "visitExposureTime": np.full(n, 30.0),
    }
    table = np.empty(n, dtype=[(k, np.asarray(v).dtype) for k, v in values.items()])
    for name, value in values.items():
        table[name] = value
    return table


@pytest.fixture(scope="module")
def late_table():
    """No visit before day 400; forty nights a month afterwards, up to day 1000."""
    rng = np.random.default_rng(5)
    return _table(START + np.sort(rng.uniform(400.0, 1000.0, 300)))


HERE = {"ra": np.radians(20.0), "dec": np.radians(-30.0)}


def test_a_position_that_starts_late_has_nothing_in_the_first_year(metric_class, late_table):
    options = {**OPTIONS, **RANGE, "magnitude": 19.0, "stars_per_position": 4}
    own = metric_class(years=(1, 2, 3, 4), **options).run(late_table, HERE)
    survey = metric_class(years=(1, 2, 3, 4), survey_start=START, **options).run(late_table, HERE)
    assert own["n_visits"][0] > 150
    assert survey["n_visits"].tolist()[0] == 0
    assert survey["recovered"][0] == 0.0
    assert own["years_to_50"] < survey["years_to_50"]
    # All visits in the end: the same stars, the same answer.
    assert own["recovered"][1] == survey["recovered"][2]
    assert np.isnan(own["recovered"][2])
    assert np.isnan(survey["recovered"][3])


def test_a_longer_survey_keeps_what_was_found(metric_class, late_table):
    options = {**OPTIONS, **RANGE, "magnitude": 19.0, "stars_per_position": 4}
    metric = metric_class(years=(2, 3, 10), survey_start=START, survey_years=10.0, **options)
    value = metric.run(late_table, HERE)
    assert value["recovered"][2] == value["recovered"][1] > 0
    assert metric.reduce_recovered_year_10(value) == value["recovered"][2]


def test_what_is_never_reached_is_bad(metric_class, late_table):
    metric = metric_class(years=(2, 3), badval=-1.0, **{**OPTIONS, **RANGE, "magnitude": 27.0})
    value = metric.run(late_table, HERE)
    assert np.isnan(value["years_to_50"])
    assert metric.reduce_years_to_50(value) == -1.0
    assert metric.reduce_recovered_year_2(value) == 0.0
    assert metric.reduce_recovered_year_1(value) == -1.0  # not among the years
    assert np.isnan(value["first_year"]).all()


def test_few_visits_in_all_are_masked(metric_class, late_table):
    metric = metric_class(**OPTIONS)
    assert metric.run(late_table[:10], HERE) == metric.badval


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years": ()}, "years"),
        ({"years": (2, 1)}, "rising"),
        ({"years": (0, 1)}, "positive"),
        ({"survey_start": float("nan")}, "survey_start"),
        ({"survey_years": 0.0}, "survey_years"),
        ({"baseline": 3650.0}, "the baseline grows"),
        ({"star_class": "QSO"}, "unknown star class"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(metric_class, options, message):
    with pytest.raises(InputError, match=message):
        metric_class(**options)


def test_inputs_that_do_not_fit_are_refused(metric_class, late_table):
    with pytest.raises(InputError, match="before survey_start"):
        metric_class(survey_start=START + 500).run(late_table, HERE)
    with pytest.raises(InputError, match="no column 'mjd'"):
        metric_class(mjd_col="mjd").run(late_table, HERE)
    with pytest.raises(InputError, match="no ra and dec"):
        metric_class().run(late_table, {"sid": 0})


def test_years_of_readings_are_readings_of_the_years(metric_class, baseline):
    """The value after two years is the one of the metric on the visits of two years."""
    from pelsvae_cadence.metrics import PeriodRecoveryMetric
    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    source = open_survey(read_survey(baseline, constraint="night < 730"), positions=[])
    near = np.hypot(source.array["fieldRA"] % 360.0, source.array["fieldDec"] + 30.0) < 1.5
    options = {
        "mjd_col": source.columns["mjd"],
        "mjd_is_middle": True,
        "visit_id_col": source.visit_id,
        "star_class": "RRab",
        "magnitude": 21.0,
        "stars_per_position": 2,
        "period_range": (0.4, 0.8),
        "method": "learned",
    }
    point = {"ra": 0.0, "dec": np.radians(-30.0), "sid": 0}
    metric = metric_class(years=(2,), **options)
    assert metric.name == "TimeToRecovery RRab r21 learned"
    assert "reading" in metric.comment
    value = metric.run(source.array[near], point)
    whole = PeriodRecoveryMetric(**options).run(source.array[near], point)
    assert value["recovered"].tolist() == [whole["recovered"]]
    np.testing.assert_array_equal(value["star_id"], whole["star_id"])

"""MAF's bundle groups in pieces: the same values, whoever computes them and however often it stops."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

POSITIONS = [(0.0, -30.0), (30.0, -45.0), (0.0, 80.0)]


@pytest.fixture(scope="module")
def maf(maf_ready):
    from rubin_sim import maf

    return maf


@pytest.fixture(scope="module")
def visits(shared_data):
    from pelsvae_cadence.cadence import read_survey
    from pelsvae_cadence.metrics.maf.survey_source import open_survey

    survey = read_survey(
        shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db", constraint="night < 300"
    )
    return open_survey(survey, positions=[])


def _bundles(maf, source, on_run=None):
    """Our own metric, numbers of MAF's, and arrays of different lengths, on one slicer."""
    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    ra, dec = (list(v) for v in zip(*POSITIONS, strict=True))
    slicer = maf.slicers.UserPointsSlicer(
        ra,
        dec,
        radius=1.75,
        use_camera=False,
        verbose=False,
        lon_col=source.columns["ra"],
        lat_col=source.columns["dec"],
        rot_sky_pos_col_name=source.columns["ra"],
    )
    ours = PeriodRecoveryMetric(
        mjd_col=source.columns["mjd"],
        band_col="band",
        mjd_is_middle=True,
        visit_id_col=source.visit_id,
        star_class="RRab",
        magnitude=19.0,
        stars_per_position=2,
        period_range=(0.2, 2.0),
        min_visits=40,
        on_run=on_run,
    )
    metrics = [
        ours,
        maf.metrics.CountMetric(source.columns["mjd"]),
        maf.metrics.PassMetric([source.columns["mjd"], "band"]),
    ]
    bundles = [maf.MetricBundle(m, slicer, "", run_name="test") for m in metrics]
    return maf.metric_bundles.make_bundles_dict_from_list(bundles)


def _run(maf, source, out_dir, group_class, *, on_run=None, **options):
    bundles = _bundles(maf, source, on_run)
    group = group_class(
        bundles,
        None,
        out_dir=str(out_dir),
        results_db=maf.db.ResultsDb(out_dir=str(out_dir)),
        save_early=False,
        **options,
    )
    try:
        group.run_current("", sim_data=source.array)
    finally:
        group.results_db.close()
    return list(bundles.values())


def _assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.metric_values.mask.tolist() == other.metric_values.mask.tolist()
        for i in np.flatnonzero(~other.metric_values.mask):
            a, b = one.metric_values.data[i], other.metric_values.data[i]
            if isinstance(b, dict):
                assert list(a) == list(b)
                for key in b:
                    np.testing.assert_array_equal(a[key], b[key], err_msg=key)
            else:
                np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def undivided(maf, visits, tmp_path_factory):
    group = maf.MetricBundleGroup
    return _run(maf, visits, tmp_path_factory.mktemp("whole"), group, verbose=False)


def test_the_bundles_are_those_of_maf(maf, visits, undivided, tmp_path):
    from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup

    ours = _run(maf, visits, tmp_path, ResumableBundleGroup)
    _assert_same(ours, undivided)
    assert undivided[0].metric_values.mask.tolist() == [False, False, True]


def test_a_stopped_run_begins_where_it_ended(maf, visits, undivided, tmp_path):
    from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup

    calls = []

    def stop_at_the_second() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    options = {"checkpoint_dir": tmp_path / "kept", "fingerprint": "one"}
    with pytest.raises(KeyboardInterrupt):
        _run(maf, visits, tmp_path, ResumableBundleGroup, on_run=stop_at_the_second, **options)
    again = []
    seen = []
    ours = _run(
        maf,
        visits,
        tmp_path,
        ResumableBundleGroup,
        on_run=lambda: again.append(1),
        on_partition=lambda done, n: seen.append((done, n)),
        **options,
    )
    _assert_same(ours, undivided)
    assert len(again) == 1  # the first position was not computed again; the third has no visits
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(InputError, match="another"):
        _run(maf, visits, tmp_path, ResumableBundleGroup, checkpoint_dir=tmp_path / "kept", fingerprint="two")


def test_fingerprints_tell_runs_apart(maf, visits):
    from pelsvae_cadence.metrics.maf.bundle_group import fingerprint_of

    plain = fingerprint_of(_bundles(maf, visits), "a")
    assert fingerprint_of(_bundles(maf, visits, on_run=print), "a") == plain
    assert fingerprint_of(_bundles(maf, visits), "b") != plain
    other = _bundles(maf, visits)
    metric = next(iter(other.values())).metric
    metric.options = replace(metric.options, magnitude=19.5)
    assert fingerprint_of(other, "a") != plain


def test_values_that_are_no_numbers_are_refused(maf, visits, tmp_path):
    from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup

    class Words(maf.metrics.BaseMetric):
        def run(self, data_slice, slice_point=None):
            return {"what": {"is": "nested"}}

    bundle = _bundles(maf, visits)
    slicer = next(iter(bundle.values())).slicer
    nested = maf.MetricBundle(
        Words(col=[visits.columns["mjd"]], metric_dtype="object"), slicer, "", run_name="test"
    )
    group = ResumableBundleGroup(
        {"words": nested}, None, out_dir=str(tmp_path), results_db=maf.db.ResultsDb(out_dir=str(tmp_path))
    )
    with pytest.raises(InputError, match="not numbers"):
        group.run_current("", sim_data=visits.array)
    group.results_db.close()


def test_a_whole_run_resumes_and_says_the_same(shared_data, tmp_path):
    from pelsvae_cadence.metrics import run_period_recovery

    options = {
        "positions": POSITIONS[:2],
        "star_classes": ["RRab"],
        "magnitudes": [19.0],
        "stars_per_position": 2,
        "period_range": (0.2, 2.0),
        "constraint": "night < 300",
    }
    database = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_period_recovery(database, out_dir=tmp_path / "a", progress=stop, **options)
    assert len(list((tmp_path / "a").glob(".finished-*/partition-*.npz"))) == 1
    resumed = run_period_recovery(database, out_dir=tmp_path / "a", **options)
    assert not list((tmp_path / "a").glob(".*"))
    whole = run_period_recovery(database, out_dir=tmp_path / "b", **options)
    for key in ("positions", "stars", "summary"):
        pd.testing.assert_frame_equal(getattr(resumed, key), getattr(whole, key))
    assert resumed.example is not None
    assert resumed.example.verdict == whole.example.verdict


def test_a_refused_run_leaves_nothing_behind(shared_data, tmp_path):
    from pelsvae_cadence.metrics import run_period_recovery

    database = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    with pytest.raises(InputError, match="900"):
        run_period_recovery(
            database, out_dir=tmp_path, positions=POSITIONS[:1], star_classes=["RRab"], magnitudes=[900.0]
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_two_processes_give_the_same_run(shared_data, tmp_path):
    from pelsvae_cadence.metrics import run_period_recovery

    options = {
        "positions": POSITIONS[:2],
        "star_classes": ["RRab"],
        "magnitudes": [19.0, 21.0],
        "stars_per_position": 2,
        "period_range": (0.2, 2.0),
        "constraint": "night < 300",
    }
    database = shared_data / "cadence" / "baseline_v3.0_10yrs_12points.db"
    one = run_period_recovery(database, out_dir=tmp_path / "one", **options)
    lock = threading.RLock()  # progress bars have one, and it cannot be sent to a worker

    def seen(done: int, total: int) -> None:
        with lock:
            told.append((done, total))

    told: list[tuple[int, int]] = []
    two = run_period_recovery(database, out_dir=tmp_path / "two", workers=2, progress=seen, **options)
    assert told[-1] == (4, 4)
    for key in ("positions", "stars", "summary"):
        pd.testing.assert_frame_equal(getattr(one, key), getattr(two, key))

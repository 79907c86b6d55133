"""A slicer of stars: each slice point carries its own star, and the metrics observe that one."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.core.errors import InputError

pytestmark = [pytest.mark.maf, pytest.mark.usefixtures("maf_ready")]

N = 4


@pytest.fixture(scope="module")
def slicer(maf_ready):
    from pelsvae_cadence.metrics import generate_periodic_pop_slicer

    return generate_periodic_pop_slicer(
        N,
        seed=5,
        star_classes={"RRab": 0.5, "CEP": 0.5},
        where="sky",
        magnitude_range=(17.0, 20.0),
        dec_range=(-75.0, -20.0),
        radius=1.75,
        use_camera=False,
    )


@pytest.fixture(scope="module")
def run(slicer):
    """Two metrics on the population, in memory, at four synthetic cadences."""
    from rubin_sim import maf

    from pelsvae_cadence.metrics import PeriodRecoveryMetric, TimeToRecoveryMetric

    ra, dec = (np.degrees(slicer.slice_points[k]) for k in ("ra", "dec"))
    frame = SyntheticSurvey(preset="lsst-v3", seed=1).opsim_table(ra, dec)
    frame = frame[frame["night"] < 800]
    observed = []
    options = {"magnitude": 25.0, "seed": 9, "on_observed": observed.append}
    metrics = [PeriodRecoveryMetric(**options), TimeToRecoveryMetric(magnitude=25.0, seed=9, years=(1, 2))]
    bundles = [maf.MetricBundle(metric, slicer, "", run_name="pop") for metric in metrics]
    group = maf.MetricBundleGroup(bundles, None, out_dir=".", save_early=False)
    group.run_current("", sim_data=frame.to_records(index=False))
    return bundles, observed


def test_slice_points_hold_everything_about_their_star(slicer):
    from pelsvae_cadence.metrics.position.slice_point import STAR_KEYS

    assert slicer.nslice == N
    for key in (*STAR_KEYS, "component", "crowded_region", "mean_magnitude", "ebv"):
        assert len(slicer.slice_points[key]) == N, key
    assert slicer.slice_points["latent"].shape[0] == N
    raw, true = slicer.slice_points["ebv"], slicer.slice_points["true_ebv"]
    np.testing.assert_allclose(0.86 * raw, true, rtol=1e-12)
    assert set(slicer.slice_points["star_class"]) <= {"RRLYR", "CEP"}
    dec = np.degrees(slicer.slice_points["dec"])
    assert (dec >= -75.0).all()
    assert (dec <= -20.0).all()


def test_the_same_seed_makes_the_same_stars(slicer):
    from pelsvae_cadence.metrics import generate_periodic_pop_slicer

    again = generate_periodic_pop_slicer(
        2,
        seed=5,
        star_classes={"RRab": 0.5, "CEP": 0.5},
        where="sky",
        magnitude_range=(17.0, 20.0),
        dec_range=(-75.0, -20.0),
        use_camera=False,
    )
    for key in ("period", "ra", "true_ebv", "latent"):
        np.testing.assert_array_equal(again.slice_points[key], slicer.slice_points[key][:2])


def test_metrics_observe_the_star_of_the_slice_point(slicer, run):
    (recovery, _), observed = run
    seen = {int(r.stars.star_id[0]): r for r in observed}
    for k in range(N):
        point = {key: slicer.slice_points[key][k] for key in slicer.slice_points if key != "nside"}
        one = seen[int(point["star_id"])]
        assert len(one.stars) == 1
        assert one.stars.period[0] == point["period"]
        # Its own distance and dust, not the metric's 25th magnitude.
        assert one.stars.distance_modulus[0] == point["distance_modulus"]
        assert one.stars.ebv[0] == point["true_ebv"]
        np.testing.assert_array_equal(one.stars.latent[0], point["latent"])
        value = recovery.metric_values[k]
        assert value["true_period"].tolist() == [point["period"]]
        assert value["crowded_region"] == point["crowded_region"]
    assert np.mean([v["recovered_or_half"] for v in recovery.metric_values]) >= 0.5


def test_time_to_recovery_counts_one_star(run):
    (_, time_to), _ = run
    for value in time_to.metric_values:
        assert value["first_year"].shape == (1,)
        assert set(value["recovered"]) <= {0.0, 1.0}


def test_mafs_dust_is_raw_and_converted(maf_ready):
    from pelsvae_cadence.metrics.position.slice_point import SlicePoint

    here = {"ra": np.radians(80.05), "dec": np.radians(-69.3)}
    assert SlicePoint({**here, "ebv": 0.5}).ebv == pytest.approx(0.43)
    assert SlicePoint({**here, "ebv": 0.5, "true_ebv": 0.2}).ebv == 0.2
    assert SlicePoint(here).ebv is None
    assert SlicePoint(here).region == "LMC"
    assert SlicePoint(here).field.name == "LMC"
    assert SlicePoint({"ra": np.radians(180.0), "dec": 0.0}).field is None
    counts = {"starMapBins_r": np.arange(15.0, 28.2, 0.2), "starLumFunc_r": np.arange(65.0)}
    assert SlicePoint({**here, **counts}).field.name == "StellarDensityMap"
    assert SlicePoint(here).star(None, 0) is None


def test_no_star_is_refused(maf_ready, slicer):
    from pelsvae_cadence.metrics.position.population_slicer import slicer_of_stars
    from pelsvae_cadence.metrics.position.slice_point import SlicePoint

    point = {key: slicer.slice_points[key][0] for key in slicer.slice_points if key != "nside"}
    from pelsvae_cadence.metrics.position.observe import load_model

    star, _ = SlicePoint(point).star(load_model("default"), 0)
    with pytest.raises(InputError, match="no stars for a slicer"):
        slicer_of_stars(star.take([]))


def test_crowding_and_changing_cycles_reach_the_metric(maf_ready):
    from pelsvae_cadence.metrics import PeriodRecoveryMetric

    frame = SyntheticSurvey(preset="lsst-v3", seed=1).opsim_table([80.05], [-69.3])
    visits = frame[frame["night"] < 800].to_records(index=False)
    point = {"ra": np.radians(80.05), "dec": np.radians(-69.3)}
    seen = {}
    for name, options in {
        "plain": {},
        "crowded": {"crowded": True},
        "modulated": {"modulated": True},
    }.items():
        kept = []
        metric = PeriodRecoveryMetric(
            star_class="Mira",
            magnitude=19.0,
            stars_per_position=2,
            seed=1,
            on_observed=kept.append,
            **options,
        )
        value = metric.run(visits, point)
        assert value["crowded_region"] == "LMC"
        seen[name] = kept[0].light_curves
    assert (seen["crowded"].flux_err >= seen["plain"].flux_err).all()
    assert (seen["crowded"].flux_err > seen["plain"].flux_err).mean() > 0.9
    assert np.abs(seen["modulated"].mag_true - seen["plain"].mag_true).max() > 0.05

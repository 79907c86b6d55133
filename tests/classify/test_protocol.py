"""Who is judged was not seen; the same stars under every strategy; what chance gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence import LightCurveModel, SyntheticSurvey
from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.classify import (
    CONSTANT,
    CONTAMINANT,
    ClassMix,
    FeatureTable,
    LabelledStars,
    SkySplit,
    class_mix_for,
    cross_validate,
    observe_mix,
    score,
)
from pelsvae_cadence.classify.classifier import default_estimator
from pelsvae_cadence.classify.labelled import star_numbers
from pelsvae_cadence.classify.observing import observe_survey, positions_of
from pelsvae_cadence.classify.star_to_star import flicker, observe_again
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.simulation.simulate import simulate

SURVEY = SyntheticSurvey(preset="lsst-v3", seed=0)
MIX = ClassMix(classes=("LPV", "RRLYR", CONSTANT, CONTAMINANT), stars_per_class=3, seed=2)
SITE = (35.0, -20.0)


def quick():
    """Our estimator with a tenth of its trees."""
    return default_estimator(1).set_params(max_iter=10, learning_rate=0.3)


def labelled(n_positions=12, each=20, seed=0):
    """Stars of two classes with one telling feature and one that only knows the position."""
    rng = np.random.default_rng(seed)
    ra = np.repeat(np.linspace(0, 330, n_positions), each)
    label = np.array(["CEP", "ECL"])[rng.integers(0, 2, ra.size)]
    pixel = np.repeat(np.arange(n_positions) * 1000, each)
    values = np.column_stack([rng.normal(size=ra.size) + 3 * (label == "ECL"), pixel])
    table = FeatureTable(
        star_id=(pixel << 20) + np.tile(np.arange(each), n_positions),
        names=("a", "place"),
        values=values.astype(float),
    )
    return LabelledStars(
        features=table,
        truth=table,
        label=label,
        ra=ra,
        dec=np.full(ra.size, -30.0),
        magnitude=np.full(ra.size, 20.0),
        distance_modulus=np.zeros(ra.size),
        recovered=np.ones(ra.size, dtype=bool),
    )


@pytest.fixture(scope="module")
def model():
    return LightCurveModel.load()


@pytest.fixture(scope="module")
def year():
    visits = SURVEY.at(*SITE)
    return visits.take(visits.mjd < SURVEY.mjd_start + 365.25)


@pytest.fixture(scope="module")
def observed(model, year):
    return observe_mix(MIX, year, *SITE, model=model)


def test_parts_of_the_sky_share_no_position():
    stars = labelled()
    split = SkySplit.of_positions(stars.ra, stars.dec, 3, seed=1)
    part = split.part_of(stars.ra, stars.dec)
    assert set(part.tolist()) == {0, 1, 2}
    for position in np.unique(stars.position):
        assert np.unique(part[stars.position == position]).size == 1
    # A position nobody has seen may be anybody's, but always the same one's.
    assert split.part_of(10.0, 60.0) == split.part_of(10.0, 60.0)
    with pytest.raises(InputError, match=r"1 region.*further apart"):
        SkySplit.of_positions([10.0, 10.1], [0.0, 0.0], 2)


def test_what_a_position_tells_is_of_no_use():
    """Labels that go by position are learned by rows and not by this protocol."""
    stars = labelled()
    by_place = np.where((stars.position // 1000) % 2 == 0, "CEP", "ECL")
    fooled = replace(stars, label=by_place)
    found = cross_validate(fooled, ["place"], estimator=quick(), calibrate=False, seed=1)
    assert score(found.predictions).balanced_accuracy.value < 0.75


def test_a_telling_feature_is_learned_and_permuted_labels_are_not():
    stars = labelled()
    found = cross_validate(stars, ["a"], estimator=quick(), seed=1)
    assert score(found.predictions).macro_f1.value > 0.85
    assert len(found.predictions) == len(stars)
    assert len(found.classifiers) == found.split.n_parts
    chance = [
        score(
            cross_validate(
                stars, ["a"], estimator=quick(), permuted=True, calibrate=False, seed=k
            ).predictions
        ).balanced_accuracy.value
        for k in range(4)
    ]
    assert abs(np.mean(chance) - 0.5) < 3 * np.std(chance, ddof=1) / 2 + 0.05


def test_numbers_are_those_of_the_recovery_metrics():
    from pelsvae_cadence.metrics.position.observe import stars_of_position

    for label in ("ACEP", "RRLYR", "T2CEP"):
        np.testing.assert_array_equal(star_numbers(*SITE, label, 4), stars_of_position(*SITE, 4, label))
    everybody = np.concatenate([star_numbers(*SITE, name, 9) for name in MIX.classes])
    assert np.unique(everybody).size == everybody.size


def test_the_same_stars_under_every_strategy(model, year, observed):
    other = observe_mix(MIX, year.take(np.arange(0, len(year), 2)), *SITE, model=model)
    np.testing.assert_array_equal(other.features.star_id, observed.features.star_id)
    np.testing.assert_array_equal(other.truth.values, observed.truth.values)
    np.testing.assert_array_equal(other.magnitude, observed.magnitude)
    more = observe_mix(replace(MIX, stars_per_class=4), year, *SITE, model=model)
    kept = np.isin(more.features.star_id, observed.features.star_id)
    np.testing.assert_allclose(more.features.values[kept], observed.features.values, rtol=1e-8, atol=1e-8)


def test_labels_magnitudes_and_truth(observed):
    assert observed.label.tolist() == [name for name in MIX.classes for _ in range(3)]
    assert ((observed.magnitude >= 17) & (observed.magnitude <= 23)).all()
    still = np.isin(observed.label, (CONSTANT, CONTAMINANT))
    assert np.isnan(observed.truth["log_period"][still]).all()
    assert np.isfinite(observed.truth["log_period"][~still]).all()
    assert "abs_mag_g" not in observed.truth.names
    assert not observed.recovered[still].any()
    # A constant star shows no variation beyond its errors; a Mira does.
    explained = observed.features["explained"]
    mira = explained[observed.label == "LPV"]
    assert mira.min() > np.nanmax(explained[observed.label == CONSTANT])


def test_checkpoints_are_taken_up_and_guarded(tmp_path):
    mix = ClassMix(classes=("LPV",), stars_per_class=2, seed=2)
    places = positions_of(SURVEY, 2, seed=1)
    (first,) = observe_survey(SURVEY, places, mix, years=(0.5,), checkpoint_dir=tmp_path)
    seen = []
    (again,) = observe_survey(
        SURVEY,
        places,
        mix,
        years=(0.5,),
        checkpoint_dir=tmp_path,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[0] == (2, 2)
    np.testing.assert_array_equal(first.features.values, again.features.values)
    with pytest.raises(InputError, match="belong to a run with other inputs or options"):
        observe_survey(SURVEY, places, replace(mix, seed=3), years=(0.5,), checkpoint_dir=tmp_path)


def test_positions_lie_apart_in_the_footprint():
    places = positions_of(SURVEY, 8, seed=4)
    ra, dec = np.array(places).T
    assert SURVEY.in_footprint(ra, dec).all()
    assert places == positions_of(SURVEY, 8, seed=4)
    assert places[:3] == positions_of(SURVEY, 3, seed=4)


def test_noise_stays_when_magnitudes_change(model, year):
    stars = model.sample("RRab", n=3, seed=1, ra=SITE[0], dec=SITE[1], distance_modulus=19.0)
    curve = model.phase_curve(stars, seed=1)
    once = simulate(stars, year, seed=1, curve=curve)
    same = observe_again(once, year, once.mag_true.reshape(3, -1))
    np.testing.assert_allclose(same.flux, once.flux, rtol=1e-9)
    np.testing.assert_array_equal(same.detected, once.detected)
    np.testing.assert_array_equal(same.saturated, once.saturated)


def test_flicker_is_a_damped_random_walk_that_knows_no_other_visit():
    random = KeyedRandom(seed=5)
    ids = np.arange(400)
    time = np.array([0.0, 5.0, 4000.0])
    found = flicker(ids, time, random)
    np.testing.assert_allclose(flicker(ids, time[[2]], random)[:, 0], found[:, 2], atol=1e-6)
    rms = found.std()
    # Root mean square of amplitudes drawn log-uniformly from 0.05 to 0.5 mag.
    assert rms == pytest.approx(np.sqrt((0.5**2 - 0.05**2) / (2 * np.log(10))), rel=0.15)
    near = np.corrcoef(found[:, 0], found[:, 1])[0, 1]
    far = np.corrcoef(found[:, 0], found[:, 2])[0, 1]
    assert near > 0.8
    assert abs(far) < 0.25


def test_a_mix_refuses_what_it_cannot_be():
    with pytest.raises(InputError, match="unknown class 'quasar' to tell apart"):
        ClassMix(classes=("quasar",))
    with pytest.raises(InputError, match="bright <= faint"):
        ClassMix(magnitude_range=(23.0, 17.0))
    with pytest.raises(InputError, match="stars_per_class = 0"):
        ClassMix(stars_per_class=0)
    assert class_mix_for("ztf").bands == ("zg", "zr", "zi")


def test_radius_and_most_visits_are_those_asked_for(model):
    mix = replace(MIX, classes=("RRLYR",), stars_per_class=2)
    asked = []

    class Watched:
        """A survey that remembers for which radius it was asked."""

        name, survey, mjd_start = SURVEY.name, SURVEY.survey, SURVEY.mjd_start

        def at(self, ra, dec, radius=None):
            asked.append(radius)
            return SURVEY.at(ra, dec)

    (stars,) = observe_survey(
        Watched(), [SITE], mix, years=(1.0,), start=SURVEY.mjd_start, radius=1.2, max_visits=50
    )
    assert set(asked) == {1.2}
    visits = SURVEY.at(*SITE)
    visits = visits.take(visits.mjd < SURVEY.mjd_start + 365.25)
    expected = observe_mix(
        mix, thin_visits(visits, 50), *SITE, model=model, baseline=float(np.ptp(visits.mjd))
    )
    np.testing.assert_array_equal(stars.features.values, expected.features.values)
    (every,) = observe_survey(SURVEY, [SITE], mix, years=(1.0,), start=SURVEY.mjd_start)
    assert (every.features.values != stars.features.values).any()

"""Samples that `infer` draws: right on average, the star's own, and honest about what has no distance."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import RawSFD
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.physics.draws import NO_DISTANCE
from pelsvae_cadence.inference.physics.samples import PHYSICS_COLUMNS, PhysicalSamples
from pelsvae_cadence.inference.posterior import Posterior
from pelsvae_cadence.inference.priors import Priors
from tests.inference.stars_of_bank import drawn, group, member_light_curves, model

PRIORS = Priors(classes={"RRLYR": 1.0}, unseen=0.0)
OPTIONS = {"priors": PRIORS, "period_range": (0.4, 0.8), "physics": True, "n_samples": 100}
N_STARS = 6


@cache
def read() -> Posterior:
    return infer(drawn("RRLYR", "RRab", n_stars=N_STARS, n_points=30, span=60.0)[1], **OPTIONS)


def physics(found: Posterior) -> PhysicalSamples:
    assert found.physics is not None
    return found.physics


def test_samples_are_those_of_the_stars():
    truth = model().sample("RRLYR", subtype="RRab", n=N_STARS, seed=31)
    found = physics(read())
    inside = 0
    for name, true in (
        ("teff", truth.teff),
        ("abs_mag_g", truth.abs_mag_g),
        ("distance_modulus", 17.5 - truth.abs_mag_g),
        ("period", truth.period),
    ):
        low, high = found.interval(0.95)[name].T
        inside += int(((true >= low) & (true <= high)).sum())
    assert inside >= 4 * N_STARS - 3  # 95 % of 24
    assert (found.distance_share == 1.0).all()
    assert (found.ebv >= 0.0).all()
    # Samples are joint: a hotter star is bluer, so that there is more dust in front of it.
    for i in range(N_STARS):
        assert np.corrcoef(found.teff[i], found.ebv[i])[0, 1] > 0.15


def test_samples_do_not_depend_on_other_stars_and_come_again():
    _, curves = drawn("RRLYR", "RRab", n_stars=N_STARS, n_points=30, span=60.0)
    some = physics(infer(curves.take([4, 2]), **OPTIONS))
    assert some == physics(read()).take([4, 2])
    other = physics(infer(curves.take([2]), **OPTIONS, seed=1))
    assert not np.array_equal(other.teff[0], some.teff[1])


def test_without_physics_nothing_changes():
    _, curves = drawn("RRLYR", "RRab", n_stars=N_STARS, n_points=30, span=60.0)
    plain = infer(curves.take([0, 1]), **{**OPTIONS, "physics": False})
    assert plain.physics is None
    np.testing.assert_array_equal(plain.period, read().period[:2])
    assert "physics.teff" in read().to_table().colnames
    assert "physics.teff" not in plain.to_table().colnames


def test_known_dust_is_taken_off():
    _, curves = drawn("RRLYR", "RRab", n_stars=N_STARS, n_points=30, span=60.0)
    some = curves.take([0, 1])
    dim = 10.0 ** (-0.4 * 0.8 * np.array([{"g": 3.67, "r": 2.58, "i": 1.9}[b] for b in some.band]))
    red = type(curves)(
        star_id=some.star_id,
        offsets=some.offsets,
        mjd=some.mjd,
        band=some.band,
        flux=some.flux * dim,
        flux_err=some.flux_err * dim,
    )
    told = physics(infer(red, **OPTIONS, ebv=0.8))
    np.testing.assert_allclose(told.median()["ebv"], 0.8, atol=0.1)
    clear = physics(infer(some, **OPTIONS, ebv=[0.0, 0.0]))
    assert (clear.ebv < 0.06).all()
    shift = told.median()["distance_modulus"] - clear.median()["distance_modulus"]
    np.testing.assert_allclose(shift, 0.0, atol=0.3)
    with pytest.raises(InputError, match="raw SFD"):
        infer(red, **OPTIONS, ebv=RawSFD(0.8))
    with pytest.raises(InputError, match="ebv has shape"):
        infer(red, **OPTIONS, ebv=[0.1, 0.2, 0.3])


def test_binaries_have_a_temperature_but_no_distance():
    assert ("ECL", "EA") in NO_DISTANCE
    shapes = group("EB")
    curves = member_light_curves(shapes, 200, n=90)
    period = float(np.exp(shapes.ln_period[200]))
    found = infer(
        curves,
        priors=Priors(classes={"ECL": 1.0}, unseen=0.0),
        period_range=(0.4 * period, 2.5 * period),
        physics=True,
    )
    drawn_samples = physics(found)
    known = [f"ECL/{name}" for name in ("EA", "EB")]
    barred = np.isin(np.array(found.subtypes)[drawn_samples.subtype[0]], known)
    assert barred.any()
    np.testing.assert_array_equal(np.isnan(drawn_samples.distance_modulus[0]), barred)
    assert np.isfinite(drawn_samples.teff).all()


def test_stars_without_an_answer_have_no_samples():
    curves = member_light_curves(group("RRab"), 300, n=30, span=60.0)
    few = curves.keep(np.arange(30) < 4)
    found = physics(infer(few, **OPTIONS))
    for name in PHYSICS_COLUMNS:
        assert np.isnan(getattr(found, name)).all()
    assert (found.subtype == -1).all()

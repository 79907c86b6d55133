"""The source model: the cadence contract, addressed draws, physics, ranges."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from threadpoolctl import threadpool_limits

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.reference_stars import GROUPS
from pelsvae_cadence.model.source import ExtrapolationWarning, LightCurveModel
from pelsvae_cadence.model.weights import list_weights, load_weights
from pelsvae_cadence.stars import Stars

GRID = np.arange(4096) / 4096


@pytest.fixture(scope="module", params=list_weights())
def model(request: pytest.FixtureRequest) -> LightCurveModel:
    """Every model that comes with the package."""
    return LightCurveModel.load(request.param)


@pytest.fixture(scope="module")
def harmonic() -> LightCurveModel:
    return LightCurveModel.load()


def some_of_each(model: LightCurveModel, n: int) -> list[Stars]:
    return [model.sample(name, n=n, seed=11) for name in model.classes]


# --- the cadence contract -------------------------------------------------------------------


def test_a_magnitude_does_not_depend_on_other_visits(model: LightCurveModel) -> None:
    rng = np.random.default_rng(0)
    phase = rng.uniform(-3, 300, 300)
    for stars in some_of_each(model, 4):
        curves = model.phase_curve(stars)
        full = curves.evaluate(phase)
        turn = rng.permutation(300)
        np.testing.assert_array_equal(curves.evaluate(phase[turn]), full[:, turn])
        for n in (1, 2, 20, 299):
            few = rng.choice(300, n, replace=False)
            np.testing.assert_array_equal(curves.evaluate(phase[few]), full[:, few])
        more = np.concatenate([phase, rng.uniform(0, 1, 2000)])
        np.testing.assert_array_equal(curves.evaluate(more)[:, :300], full)
        np.testing.assert_allclose(curves.evaluate(phase + 7), full, atol=1e-9)


def test_shapes_keep_the_convention(model: LightCurveModel) -> None:
    for stars in some_of_each(model, 150):
        name = str(stars.star_class[0])
        values = model.phase_curve(stars).evaluate(GRID)
        np.testing.assert_allclose(values.mean(axis=1), 0.0, atol=1e-12)
        np.testing.assert_allclose(np.ptp(values, axis=1), 1.0, atol=2e-3)
        extreme = -values.max(axis=1) if is_binary(name) else values.min(axis=1)
        at_zero = -values[:, 0] if is_binary(name) else values[:, 0]
        assert (at_zero - extreme).max() < 0.01


# --- addressed draws ------------------------------------------------------------------------


def test_a_star_is_the_same_in_any_company(model: LightCurveModel) -> None:
    for name in model.classes:
        many = model.sample(name, n=300, seed=4)
        curves = model.phase_curve(many)
        some = np.array([299, 0, 128, 127])
        few = model.sample(name, star_id=some, seed=4)
        for field in ("period", "teff", "abs_mag_g", "amplitude_i", "epoch", "latent", "subtype"):
            np.testing.assert_array_equal(getattr(few, field), getattr(many, field)[some])
        alone = model.phase_curve(few)
        np.testing.assert_array_equal(alone.cos, curves.cos[some])
        np.testing.assert_array_equal(alone.sin, curves.sin[some])


def test_stars_do_not_depend_on_the_number_of_threads(harmonic: LightCurveModel) -> None:
    """A product of matrices that is split among threads may round otherwise."""
    found = []
    for n_threads in (1, 4):
        with threadpool_limits(n_threads):
            parts = [harmonic.sample(name, n=301, seed=3) for name in harmonic.classes]
            curves = [harmonic.phase_curve(stars) for stars in parts]
        found.append([(p.latent, p.amplitude_i, c.cos, c.sin) for p, c in zip(parts, curves, strict=True)])
    for one, four in zip(*found, strict=True):
        for ours, theirs in zip(one, four, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_seed_matters(harmonic: LightCurveModel) -> None:
    a, b = (harmonic.sample("RRab", n=20, seed=s) for s in (0, 1))
    assert not np.isin(a.period, b.period).any()
    assert not np.isin(a.latent, b.latent).any()


def test_missing_latent_is_the_one_that_sample_draws(harmonic: LightCurveModel) -> None:
    from dataclasses import replace

    stars = harmonic.sample("CEP", n=40, seed=8)
    bare = replace(stars, latent=None)
    np.testing.assert_array_equal(harmonic.phase_curve(bare, seed=8).cos, harmonic.phase_curve(stars).cos)
    assert not np.array_equal(harmonic.phase_curve(bare, seed=9).cos, harmonic.phase_curve(stars).cos)


def test_global_random_state_is_neither_read_nor_changed(harmonic: LightCurveModel) -> None:
    import torch

    torch.manual_seed(1)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    first = harmonic.sample("EW", n=5).latent
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    torch.manual_seed(2)
    np.testing.assert_array_equal(harmonic.sample("EW", n=5).latent, first)


def test_epochs_lie_within_one_period(harmonic: LightCurveModel) -> None:
    stars = harmonic.sample("RRab", n=400)
    phase = (stars.epoch - 2461005.0) / stars.period
    assert ((phase > -1e-6) & (phase < 1 + 1e-6)).all()
    assert np.histogram(phase, 4, (0, 1))[0].min() > 60


def test_mixed_classes_and_unknown_subtypes(harmonic: LightCurveModel) -> None:
    from dataclasses import replace

    parts = [harmonic.sample(name, star_id=[i], seed=2) for i, name in enumerate(["RRab", "EW"])]
    fields = {name: np.concatenate([getattr(p, name) for p in parts]) for name in Stars.__dataclass_fields__}
    mixed = Stars(**fields)
    curves = harmonic.phase_curve(mixed)
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(curves.cos[i], harmonic.phase_curve(part).cos[0])
    bare = replace(mixed, subtype=np.array(["", ""]), latent=None)
    assert len(harmonic.phase_curve(bare)) == 2


# --- physics --------------------------------------------------------------------------------


def test_given_parameters_are_honoured(harmonic: LightCurveModel) -> None:
    period = np.array([0.5, 0.6, 0.7])
    stars = harmonic.sample("RRab", period=period, seed=3)
    np.testing.assert_array_equal(stars.period, period)
    same = harmonic.sample("RRab", period=period * 24 * u.hour, teff=[6300, 6400, 6500] * u.K)
    np.testing.assert_allclose(same.period, period)
    assert same.teff.tolist() == [6300, 6400, 6500]
    sized = harmonic.sample("RRab", n=2, amplitude_i=0.5, abs_mag_g=0.5, ra=10 * u.deg, dec=-20)
    assert sized.amplitude_i.tolist() == [0.5, 0.5]
    assert sized.abs_mag_g.tolist() == [0.5, 0.5]
    assert (sized.ra.tolist(), sized.dec.tolist()) == ([10, 10], [-20, -20])


@pytest.mark.parametrize(
    ("star_class", "name", "quantiles"),
    [("RRab", "period", (0.1, 0.9)), ("CEP", "period", (0.3, 0.8)), ("RRab", "teff", (0.15, 0.85))],
)
def test_shapes_answer_to_physics(
    harmonic: LightCurveModel, star_class: str, name: str, quantiles: tuple[float, float]
) -> None:
    """The same random numbers with other physics give other shapes, by more than the decoder's error."""
    low, high = harmonic.ranges(star_class)[name]
    means = []
    for q in quantiles:
        stars = harmonic.sample(star_class, n=200, seed=5, **{name: low + q * (high - low)})
        means.append(harmonic.phase_curve(stars).evaluate(GRID[::16]).mean(axis=0))
    assert np.sqrt(np.mean((means[0] - means[1]) ** 2)) > 0.01


def test_drawn_parameters_are_in_range(model: LightCurveModel) -> None:
    for stars in some_of_each(model, 200):
        limits = model.ranges(str(stars.star_class[0]))
        for name, (low, high) in limits.items():
            values = getattr(stars, name)
            assert low - 1e-6 * abs(low) <= values.min(), name
            assert values.max() <= high + 1e-6 * abs(high), name


@pytest.mark.parametrize("name", ["T2CEP", "CEP", "RRLYR", "ACEP", "ECL"])
def test_what_sample_accepts_phase_curve_decodes(harmonic: LightCurveModel, name: str) -> None:
    """Periods all over the range of a class, also where one of its subtypes ends."""
    low, high = harmonic.ranges(name)["period"]
    stars = harmonic.sample(name, period=np.geomspace(low, high, 400), seed=9)
    assert len(harmonic.phase_curve(stars)) == 400


def test_subtypes(harmonic: LightCurveModel) -> None:
    assert set(harmonic.sample("RRc", n=5).subtype.tolist()) == {"RRc"}
    assert set(harmonic.sample("CEP", subtype="1O", n=5).subtype.tolist()) == {"1O"}
    assert set(harmonic.sample("RRLYR", n=200).subtype.tolist()) == {"RRab", "RRc"}
    with pytest.raises(InputError, match="'RRc' does not fit star class 'RRab'"):
        harmonic.sample("RRab", subtype="RRc")


# --- refusals -------------------------------------------------------------------------------


def test_out_of_range_is_refused_clipped_or_flagged(harmonic: LightCurveModel) -> None:
    low, high = harmonic.ranges("RRab")["period"]
    with pytest.raises(
        InputError, match=rf"period = 5 d is outside .*RRLYR RRab.*allowed: {low:.6g} to {high:.6g}"
    ):
        harmonic.sample("RRab", period=[0.5, 5.0])
    with pytest.warns(ExtrapolationWarning, match="1 of 2 stars set to the border"):
        clipped = harmonic.sample("RRab", period=[0.5, 5.0], extrapolate="clip")
    assert clipped.period.tolist() == [0.5, high]
    with pytest.warns(ExtrapolationWarning, match="1 of 2 stars extrapolated"):
        flagged = harmonic.sample("RRab", period=[0.5, 1.3 * high], extrapolate="flag")
    assert flagged.period.tolist() == [0.5, 1.3 * high]
    with pytest.raises(InputError, match="Use extrapolate='clip'"):
        harmonic.phase_curve(flagged)
    with pytest.warns(ExtrapolationWarning, match="extrapolated"):
        curves = harmonic.phase_curve(flagged, extrapolate="flag")
    assert np.ptp(curves.evaluate(GRID), axis=1) == pytest.approx([1, 1], abs=2e-3)
    with pytest.warns(ExtrapolationWarning, match="border"):
        harmonic.phase_curve(flagged, extrapolate="clip")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"period": np.nan}, "period is not finite"),
        ({"teff": [6300.0, np.nan]}, "teff is not finite in 1 of 2"),
        ({"n": -1}, "n = -1"),
        ({"n": 3, "period": [0.5, 0.6]}, "period has shape"),
        ({"period": [0.5, 0.6], "teff": [6300.0] * 3}, "different lengths"),
        ({"period": 1 * u.m}, "cannot be converted to d"),
        ({"period": -0.5}, "period = -0.5 is not positive"),
        ({"seed": -1}, "seed"),
        ({"extrapolate": "guess", "period": 0.5}, "extrapolate = 'guess'"),
        ({"star_id": [1, 1]}, "star_id must be unique"),
    ],
)
def test_refusals(harmonic: LightCurveModel, arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        harmonic.sample("RRab", **arguments)


def test_unknown_class(harmonic: LightCurveModel) -> None:
    with pytest.raises(InputError, match="unknown star class 'quasar'"):
        harmonic.sample("quasar")


def test_latent_of_another_model(harmonic: LightCurveModel) -> None:
    from dataclasses import replace

    stars = replace(harmonic.sample("RRab", n=2), latent=np.zeros((2, 3)))
    with pytest.raises(InputError, match="3 latent coordinates"):
        harmonic.phase_curve(stars)


def test_constant_star(harmonic: LightCurveModel) -> None:
    from dataclasses import replace

    stars = replace(harmonic.sample("RRab"), amplitude_i=0.0)
    with pytest.raises(InputError, match="amplitude_i"):
        harmonic.phase_curve(stars)


def test_no_stars(harmonic: LightCurveModel) -> None:
    stars = harmonic.sample("RRab", n=0)
    assert len(stars) == 0
    assert len(harmonic.phase_curve(stars)) == 0


# --- encoding -------------------------------------------------------------------------------


def test_encode_and_decode_return_the_curve(harmonic: LightCurveModel) -> None:
    rng = np.random.default_rng(6)
    stars = harmonic.sample("CEP", subtype="F", n=20, seed=2)
    truth = harmonic.phase_curve(stars)
    phase = rng.random((20, 200))
    mag = 15.0 + stars.amplitude_i[:, None] * truth.evaluate(phase)
    mag = mag + 0.01 * rng.normal(size=mag.shape)
    mu, logvar = harmonic.encode(phase, mag, np.full_like(mag, 0.01), stars)
    assert mu.shape == logvar.shape == (20, harmonic.n_latent)
    from pelsvae_cadence.model.reference_stars import physics_matrix

    rows = physics_matrix(stars)
    again, _ = harmonic.decode(mu, stars.star_class, rows)
    rms = np.sqrt(np.mean((again.evaluate(GRID) - truth.evaluate(GRID)) ** 2, axis=1))
    assert np.median(rms) < 0.02


def test_encoding_ignores_the_order_exactly(harmonic: LightCurveModel) -> None:
    rng = np.random.default_rng(7)
    stars = harmonic.sample("RRab", n=1)
    phase, mag, err = rng.random(30), rng.normal(15, 0.2, 30), rng.uniform(0.01, 0.03, 30)
    turn = rng.permutation(30)
    first = harmonic.encode(phase, mag, err, stars)
    second = harmonic.encode(phase[turn], mag[turn], err[turn], stars)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    shifted = harmonic.encode(phase, mag + 4.0, err, stars)
    np.testing.assert_allclose(shifted[0], first[0], atol=1e-3)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (([], [], []), "has 0, 0, 0"),
        (([0.1, 0.2], [1.0], [0.1]), "has 2, 1, 1"),
        (([0.1], [np.nan], [0.1]), "mag of star 0 is not finite"),
        (([0.1], [1.0], [0.0]), "mag_err of star 0 is not positive"),
        (([[0.1], [0.2]], [[1.0], [1.0]], [[0.1], [0.1]]), "points of 2 stars were given for 1"),
    ],
)
def test_encode_refuses(harmonic: LightCurveModel, points: tuple[list[float], ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        harmonic.encode(*points, harmonic.sample("RRab"))


# --- the card -------------------------------------------------------------------------------


def test_card(model: LightCurveModel) -> None:
    assert model.card["name"] == model.name
    assert len(model.hash) == 64
    assert set(model.classes) <= set(STAR_CLASSES)
    assert model.card["training_data"]["stars"]
    assert "arXiv:2005.07773" in model.card["citation"]
    assert "/" not in model.card["command"].replace("pelsvae_cadence/", "")
    for star_class, subtype in GROUPS:
        if f"{star_class}/{subtype}" in model.card["ranges"]:
            inner, outer = model.ranges(star_class, subtype), model.ranges(star_class)
            for name, (low, high) in inner.items():
                assert low < high
                assert low < outer[name][1]
                assert high > outer[name][0]
    assert model.name in repr(model)


def test_weights_of_another_architecture_are_refused() -> None:
    from dataclasses import replace

    weights = load_weights()
    with pytest.raises(InputError, match="'tcn' model"):
        LightCurveModel(replace(weights, card={**weights.card, "architecture": "tcn"}))
    tensors = {k: v for k, v in weights.tensors.items() if k != "vae.encoder.basis.mean"}
    with pytest.raises(InputError, match="lack a usable"):
        LightCurveModel(replace(weights, tensors=tensors))

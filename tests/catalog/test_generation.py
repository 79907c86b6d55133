"""Catalogues simulated in pieces: the same bits however the work is cut, done or interrupted."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pelsvae_cadence.cadence import Survey
from pelsvae_cadence.catalog import Catalog, Provenance, validate_catalog, write_catalog
from pelsvae_cadence.catalog.generation import Generated, generate_catalog
from pelsvae_cadence.catalog.merging import append_catalogs
from pelsvae_cadence.catalog.sites import DrawnStars, ListedStars
from pelsvae_cadence.cli import main
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.population.crowding import crowded_field
from pelsvae_cadence.simulation.modulation import draw_modulation
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import numbers_at_sites

RA = np.array([10.0, 15.0, 40.0, 200.0, 208.0, 350.0])
DEC = np.array([-30.0, -31.0, -5.0, -60.0, -61.0, 20.0])


@pytest.fixture(scope="module")
def survey() -> Survey:
    """Pointings at the first five positions, a year long; the sixth is never looked at."""
    rng = np.random.default_rng(4)
    n = 40
    ra, dec = np.repeat(RA[:5], n), np.repeat(DEC[:5], n)
    mjd = rng.uniform(61000.0, 61365.0, ra.size)
    return Survey(
        name="made up",
        survey="lsst",
        ra=ra,
        dec=dec,
        mjd=mjd,
        band=rng.choice(list("gri"), ra.size),
        m5=rng.normal(24.0, 0.3, ra.size),
        night=(mjd - 61000.0).astype(int),
        visit_id=np.arange(ra.size),
        exptime=np.full(ra.size, 30.0),
    )


@pytest.fixture(scope="module")
def drawn() -> DrawnStars:
    return DrawnStars(ra=RA, dec=DEC, star_classes=("RRab", "EW"), stars_per_class=3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, survey: Survey, drawn: DrawnStars) -> Generated:
    return generate_catalog(tmp_path_factory.mktemp("whole") / "c.h5", survey, drawn, seed=5)


def test_the_catalogue_holds_what_a_plain_simulation_gives(
    survey: Survey, drawn: DrawnStars, whole: Generated
) -> None:
    assert validate_catalog(whole.path) == []
    assert not whole.path.with_name("c.h5.parts").exists()
    assert (whole.n_stars, whole.n_sites, whole.n_unseen) == (36, 6, 6)
    assert 0.0 < whole.writing < whole.seconds
    model = LightCurveModel.load()
    with Catalog(whole.path) as catalog:
        assert catalog.content_hash == whole.content
        stars, points = catalog.stars, catalog.light_curves()
        assert catalog.provenance.model_hash == model.hash
        assert catalog.n_positions == 6
    magnitude = mean_magnitudes(stars, ("r",))[:, 0]
    assert ((magnitude > 17.0) & (magnitude < 24.0)).all()
    assert np.ptp(magnitude) > 4.0
    for i in (0, 5, 17, 30):
        one = stars.take([i])
        visits = survey.at(float(one.ra[0]), float(one.dec[0]))
        again = simulate(one, visits, curve=model.phase_curve(one, seed=5), seed=5)
        found = points.star(i)
        for field in fields(again):
            assert np.array_equal(
                getattr(found, field.name), getattr(again, field.name), equal_nan=field.name[0] == "m"
            ), field.name
    # The flux of a detected point is its magnitude.
    np.testing.assert_allclose(
        flux_to_mag(points.flux[points.detected]), points.mag[points.detected], rtol=1e-12
    )


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_cut_changes_nothing(
    tmp_path: Path, survey: Survey, drawn: DrawnStars, whole: Generated, size: int
) -> None:
    made = generate_catalog(
        tmp_path / "c.h5",
        survey,
        drawn,
        seed=5,
        stars_per_partition=size,
        compression="gzip" if size == 7 else "repeats",
    )
    assert made.n_partitions == {1: 6, 7: 6, 1000: 1}[size]
    assert made.content == whole.content


def test_another_seed_is_another_catalogue(
    tmp_path: Path, survey: Survey, drawn: DrawnStars, whole: Generated
) -> None:
    other = generate_catalog(tmp_path / "d.h5", survey, drawn, seed=6, skip_unseen=True)
    assert other.content != whole.content
    assert (other.n_stars, other.n_unseen) == (30, 0)


@pytest.mark.slow
def test_two_workers_change_nothing(
    tmp_path: Path, survey: Survey, drawn: DrawnStars, whole: Generated
) -> None:
    said: list[tuple[int, int]] = []
    made = generate_catalog(
        tmp_path / "c.h5",
        survey,
        drawn,
        seed=5,
        workers=2,
        stars_per_partition=1,
        progress=lambda *p: said.append(p),
    )
    assert made.content == whole.content
    assert said == [(k, 6) for k in range(7)]


def test_a_star_does_not_depend_on_what_else_is_drawn(
    tmp_path: Path, survey: Survey, whole: Generated
) -> None:
    fewer = DrawnStars(ra=RA[3:4], dec=DEC[3:4], star_classes=("EW",), stars_per_class=2)
    made = generate_catalog(tmp_path / "c.h5", survey, fewer, seed=5)
    with Catalog(made.path) as a, Catalog(whole.path) as b:
        ids = a.star_id
        assert ids.size == 2
        mine, theirs = a.light_curves(), b.light_curves(star_ids=ids)
    for field in fields(mine):
        assert getattr(mine, field.name).tobytes() == getattr(theirs, field.name).tobytes()


def test_numbers_of_stars_are_unique_and_keep_their_place() -> None:
    ids = np.concatenate(
        [
            numbers_at_sites([0, 5, 12 * 8192**2 - 1], name, 4).ravel()
            for name in ("RRLYR", "RRab", "RRc", "EW", "CEP", "Mira")
        ]
    )
    assert np.unique(ids).size == ids.size == 72
    assert ids.min() >= 0
    few, many = numbers_at_sites([7], "RRab", 2), numbers_at_sites([7], "RRab", 9)
    assert many[0, :2].tolist() == few[0].tolist()


def test_stars_of_a_table_get_the_visits_of_their_place(tmp_path: Path, survey: Survey) -> None:
    model = LightCurveModel.load()
    rng = np.random.default_rng(8)
    ra, dec = np.repeat(RA, 4), np.repeat(DEC, 4)
    stars = model.sample(
        "RRab",
        n=24,
        seed=3,
        ra=ra + rng.normal(0, 0.05, 24),
        dec=dec + rng.normal(0, 0.05, 24),
        distance_modulus=18.0,
        star_id=rng.permutation(1000)[:24],
    )
    own = ListedStars(stars, visits_nside=None)
    made = generate_catalog(tmp_path / "own.h5", survey, own, seed=5)
    with Catalog(made.path) as catalog:
        assert sorted(catalog.star_id.tolist()) == sorted(stars.star_id.tolist())
        for i in (3, 9, 20):
            one = catalog.read_stars([i])
            visits = survey.at(float(one.ra[0]), float(one.dec[0]))
            assert catalog.read_light_curves([i]).visit_id.tolist() == visits.visit_id.tolist()
            again = stars.take(stars.star_id == one.star_id[0])
            assert again.latent.tobytes() == one.latent.tobytes()  # type: ignore[union-attr]
    shared = ListedStars(stars, visits_nside=16)
    assert shared.ra.size < 24
    made = generate_catalog(tmp_path / "shared.h5", survey, shared, seed=5, stars_per_partition=3)
    assert validate_catalog(made.path) == []
    with Catalog(made.path) as catalog:
        assert catalog.n_positions <= shared.ra.size
        assert catalog.n_stars == 24


LMC = 80.9, -69.75


@pytest.fixture(scope="module")
def clouds() -> tuple[Survey, DrawnStars]:
    """Stars in the LMC, in the plane, and in an empty field, and a survey that sees them all."""
    rng = np.random.default_rng(9)
    ra, dec = np.array([LMC[0], 150.0, 20.0]), np.array([LMC[1], -55.0, -40.0])
    n = 60
    mjd = rng.uniform(61000.0, 61365.0, 3 * n)
    survey = Survey(
        name="clouds",
        survey="lsst",
        ra=np.repeat(ra, n),
        dec=np.repeat(dec, n),
        mjd=mjd,
        band=rng.choice(list("gri"), mjd.size),
        m5=rng.normal(24.0, 0.3, mjd.size),
        night=(mjd - 61000.0).astype(int),
        visit_id=np.arange(mjd.size),
        exptime=np.full(mjd.size, 30.0),
        seeing=rng.uniform(0.6, 1.4, mjd.size),
    )
    stars = DrawnStars(
        ra=ra, dec=dec, star_classes=("RRab", "Mira"), stars_per_class=4, magnitude=(18.0, 21.0)
    )
    return survey, stars


def test_modulated_and_crowded_stars_are_what_a_plain_simulation_gives(
    tmp_path: Path, clouds: tuple[Survey, DrawnStars]
) -> None:
    survey, source = clouds
    plain = generate_catalog(tmp_path / "plain.h5", survey, source, seed=5)
    made = generate_catalog(
        tmp_path / "c.h5",
        survey,
        source,
        seed=5,
        modulated=True,
        crowded=True,
        stars_per_partition=9,
        extra={"note": "mine"},
    )
    assert made.n_crowded == plain.n_crowded == {"LMC": 8, "plane": 8}
    with Catalog(made.path) as catalog, Catalog(plain.path) as undisturbed:
        assert validate_catalog(made.path) == []
        assert catalog.provenance.extra == {"note": "mine", "modulated": True, "crowded": True}
        assert undisturbed.provenance.extra == {"modulated": False, "crowded": False}
        stars, points, isolated = catalog.stars, catalog.light_curves(), undisturbed.light_curves()
        np.testing.assert_array_equal(stars.star_id, undisturbed.star_id)
    curve = LightCurveModel.load().phase_curve(stars, seed=5)
    for i in range(len(stars)):
        one = stars.take([i])
        place = float(one.ra[0]), float(one.dec[0])
        again = simulate(
            one,
            survey.at(*place),
            curve=curve.take([i]),
            seed=5,
            modulation=draw_modulation(one, seed=5),
            crowding=crowded_field(*place),
        )
        assert points.star(i).flux.tobytes() == again.flux.tobytes()
        assert points.star(i).mag_true.tobytes() == again.mag_true.tobytes()
    # Miras differ from cycle to cycle everywhere; neighbours shine in the LMC alone.
    mira = np.repeat(stars.star_class == "LPV", np.diff(points.offsets))
    cloud = np.repeat(stars.dec < -60.0, np.diff(points.offsets))
    assert np.abs(points.mag_true - isolated.mag_true)[mira].max() > 0.05
    wider = points.flux_err / isolated.flux_err
    assert np.median(wider[cloud]) > 1.2
    assert np.median(wider[~cloud & ~mira]) == pytest.approx(1.0, abs=0.01)


def test_another_kind_of_star_does_not_take_up_a_stopped_run(
    tmp_path: Path, clouds: tuple[Survey, DrawnStars]
) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    path = tmp_path / "c.h5"
    with pytest.raises(KeyboardInterrupt):
        generate_catalog(path, *clouds, stars_per_partition=8, progress=stop)
    for options in ({"modulated": True}, {"crowded": True}):
        with pytest.raises(InputError, match="belong to a run with other inputs"):
            generate_catalog(path, *clouds, stars_per_partition=8, **options)


def test_wrong_requests_say_what_is_wrong(tmp_path: Path, survey: Survey, drawn: DrawnStars) -> None:
    for problem, options in (
        ("two positions lie within half an arcminute", {"ra": [1.0, 1.0001], "dec": [2.0, 2.0]}),
        ("one or more, none of them twice", {"star_classes": ("RRab", "rr_ab")}),
        ("one or more, none of them twice", {"star_classes": ()}),
        ("unknown star class 'quasar'", {"star_classes": ("quasar",)}),
        ("0 stars per class", {"stars_per_class": 0}),
        ("magnitudes from 24 to 17", {"magnitude": (24.0, 17.0)}),
        ("not on the sky", {"dec": [95.0], "ra": [0.0]}),
    ):
        good: dict[str, Any] = {"ra": RA, "dec": DEC, "star_classes": ("RRab",)}
        with pytest.raises(InputError, match=problem):
            DrawnStars(**{**good, **options})
    stars = LightCurveModel.load().sample("RRab", n=2, seed=1)
    with pytest.raises(InputError, match="visits_nside = 3"):
        ListedStars(stars, visits_nside=3)
    with pytest.raises(InputError, match="table of stars is empty"):
        ListedStars(stars.take([]))
    path = tmp_path / "c.h5"
    path.write_text("earlier")
    with pytest.raises(InputError, match="exists already"):
        generate_catalog(path, survey, drawn)
    with pytest.raises(InputError, match="0 stars per partition"):
        generate_catalog(path, survey, drawn, stars_per_partition=0, overwrite=True)
    assert path.read_text() == "earlier"


def test_an_interrupted_run_is_taken_up_and_another_is_not_mixed_in(
    tmp_path: Path, survey: Survey, drawn: DrawnStars, whole: Generated
) -> None:
    path = tmp_path / "c.h5"
    options: dict[str, Any] = {"seed": 5, "stars_per_partition": 1}

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_catalog(path, survey, drawn, progress=stop, **options)
    parts = tmp_path / "c.h5.parts"
    assert len(list(parts.glob("*.npz"))) == 4
    assert not path.exists()
    with pytest.raises(InputError, match=r"belong to a run with other inputs.*delete this one"):
        generate_catalog(path, survey, drawn, **{**options, "seed": 6})
    said: list[int] = []
    made = generate_catalog(path, survey, drawn, progress=lambda d, _: said.append(d), **options)
    assert said[0] == 4
    assert made.content == whole.content
    assert not parts.exists()


@pytest.mark.slow
def test_catalogues_are_put_together(tmp_path: Path, survey: Survey, whole: Generated) -> None:
    halves = []
    for k, rows in enumerate((slice(0, 3), slice(3, 6))):
        part = DrawnStars(ra=RA[rows], dec=DEC[rows], star_classes=("RRab", "EW"), stars_per_class=3)
        halves.append(generate_catalog(tmp_path / f"{k}.h5", survey, part, seed=5).path)
    target = tmp_path / "all.h5"
    provenance = Provenance(seed=1, model_name="", model_hash="", survey_name="")
    write_catalog(target, [], provenance=provenance)
    assert append_catalogs(target, halves) == 36
    assert validate_catalog(target) == []
    with Catalog(target) as a, Catalog(whole.path) as b:
        order = b.star_id
        rows = a.select(star_ids=order)
        mine, theirs = a.read_light_curves(rows), b.light_curves()
        assert mine.flux.tobytes() == theirs.flux.tobytes()
        assert a.provenance.extra["appended"][0]["seed"] == 5
    before = target.read_bytes()
    with pytest.raises(InputError, match="in the catalogue already"):
        append_catalogs(target, halves[:1])
    assert target.read_bytes() == before


@pytest.mark.slow
def test_the_command_line_makes_extends_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["pelsvae_cadence", "catalog", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert (stop.value.code or 0) == code, err
        return out, " ".join(err.split())

    made = json.loads(
        run(
            "make",
            "--synthetic",
            "ztf",
            "--positions",
            "180,40 181,40",
            "--star-class",
            "RRab,Mira",
            "--stars-per-position",
            "2",
            "--mag",
            "15,19",
            "--output",
            "a.h5",
            "--json",
        )[0]
    )
    assert (made["n_stars"], made["n_unseen"]) == (8, 0)
    run("make", "--synthetic", "ztf", "--positions", "190,40", "--output", "b.h5")
    run("append", "a.h5", "b.h5")
    said = run(
        "make",
        "--synthetic",
        "lsst",
        "--positions",
        "80.9,-69.75",
        "--star-class",
        "Mira",
        "--modulated",
        "--output",
        "m.h5",
    )[1]
    assert "(LMC 10): noise of isolated stars is too optimistic there; see --crowded" in said
    with Catalog(tmp_path / "m.h5") as catalog:
        assert catalog.provenance.extra == {"modulated": True, "crowded": False}
    with Catalog(tmp_path / "a.h5") as catalog:
        assert len(catalog) == 18
        assert "--star-class RRab,Mira" in catalog.provenance.command
    run("export", "a.h5", "stars.ecsv")
    assert (tmp_path / "stars.ecsv").read_text().startswith("# %ECSV")
    assert "cannot export to .csv" in run("export", "a.h5", "stars.csv", code=2)[1]
    assert "exists already" in run("make", "--output", "a.h5", "--no-clobber", code=2)[1]
    assert "exclude each other" in run("make", "--positions", "1,2", "--nside", "4", code=2)[1]

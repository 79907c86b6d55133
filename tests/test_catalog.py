"""The HDF5 catalogue: what goes in comes out, and nothing damaged or foreign is taken for it."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import astropy.units as u
import h5py
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.catalog import (
    Catalog,
    CatalogWriter,
    Provenance,
    validate_catalog,
    write_catalog,
)
from pelsvae_cadence.catalog.layout import BAND_CODES, GROUPS
from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

HERE = Path(__file__).parent
GOLDEN = runpy.run_path(str(HERE / "data" / "make_catalog_v1.py"))
DOCUMENT = (HERE.parent / "docs" / "catalog-format.md").read_text()
Batch = tuple[Stars, Visits, LightCurves]


def random_batch(seed: int, first_id: int, n: int = 6, n_visits: int = 60) -> Batch:
    """Stars with light curves of different lengths, some of them empty."""
    rng = np.random.default_rng(seed)
    mjd = np.sort(rng.uniform(61000.0, 64650.0, n_visits))
    visits = Visits(
        mjd=mjd,
        band=rng.choice(list("ugrizy"), n_visits),
        m5=rng.normal(24.0, 0.4, n_visits),
        night=(mjd - 61000.0).astype(int),
        visit_id=rng.permutation(10 * n_visits)[:n_visits],
        exptime=np.full(n_visits, 30.0),
        airmass=rng.uniform(1.0, 2.0, n_visits),
    )
    star_class = rng.choice(STAR_CLASSES, n)
    stars = Stars(
        star_id=first_id + rng.permutation(n),
        star_class=star_class,
        subtype=np.array([rng.choice([*SUBTYPES[name], ""]) for name in star_class]),
        period=10.0 ** rng.uniform(-1.0, 3.0, n),
        teff=rng.uniform(3000.0, 9000.0, n),
        abs_mag_g=rng.normal(0.0, 3.0, n),
        amplitude_i=rng.uniform(0.0, 2.0, n),
        epoch=2461000.0 + rng.uniform(0.0, 100.0, n),
        ra=rng.uniform(0.0, 360.0, n),
        dec=np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n))),
        distance_modulus=rng.normal(15.0, 3.0, n),
        ebv=rng.uniform(0.0, 1.0, n),
        feh=np.where(rng.random(n) < 0.5, np.nan, rng.normal(-1.0, 0.5, n)),
        latent=rng.normal(size=(n, 4)),
    )
    rows = [np.flatnonzero(rng.random(n_visits) < p) for p in rng.choice([0.0, 0.5, 1.0], n)]
    row = np.concatenate(rows)
    mag_true = rng.normal(21.0, 2.0, row.size)
    mag_err = rng.uniform(0.005, 0.3, row.size)
    detected = mag_err < 0.2
    mag = np.where(detected, mag_true + mag_err * rng.normal(size=row.size), np.nan)
    flux = rng.normal(0.0, 1e4, row.size)
    points = LightCurves(
        star_id=stars.star_id,
        offsets=np.concatenate([[0], np.cumsum([r.size for r in rows])]),
        mjd=visits.mjd[row],
        band=visits.band[row],
        visit_id=visits.visit_id[row],
        mag_true=mag_true,
        mag=mag,
        mag_err=np.where(detected, mag_err, np.nan),
        flux=flux,
        flux_err=np.abs(flux) / 10.0,
        detected=detected,
        saturated=mag_true < 16.0,
    )
    return stars, visits, points


def part(batch: Batch, rows: np.ndarray) -> Batch:
    stars, visits, points = batch
    return stars.take(rows), visits, LightCurves.concatenate(points.star(int(i)) for i in rows)


def assert_identical(found: Any, expected: Any) -> None:
    """Bit for bit: NaN is NaN and -0 is not 0."""
    assert type(found) is type(expected)
    for field in fields(expected):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if b is None:
            assert a is None, field.name
            continue
        assert a.shape == b.shape, field.name
        if b.dtype.kind == "U":
            assert a.tolist() == b.tolist(), field.name
        else:
            assert a.dtype == b.dtype, field.name
            assert a.tobytes() == b.tobytes(), field.name


def joined(batches: list[Batch]) -> tuple[Stars, LightCurves]:
    columns = {}
    for field in fields(Stars):
        columns[field.name] = np.concatenate([getattr(b[0], field.name) for b in batches])
    return Stars(**columns), LightCurves.concatenate(b[2] for b in batches)


@pytest.fixture(scope="module")
def provenance() -> Provenance:
    return Provenance(
        seed=42, model_name="test", model_hash="a1", survey_name="baseline", command="make it"
    )


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    return [random_batch(k, 100 * k, n=6 + k, n_visits=40 + 20 * k) for k in range(3)]


@pytest.fixture(scope="module")
def content(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Batch], provenance: Provenance
) -> bytes:
    path = tmp_path_factory.mktemp("catalog") / "catalog.h5"
    return write_catalog(path, batches, provenance=provenance).read_bytes()


@pytest.fixture
def path(tmp_path: Path, content: bytes) -> Path:
    """A copy of the catalogue that a test may damage."""
    copy = tmp_path / "catalog.h5"
    copy.write_bytes(content)
    return copy


# ---------------------------------------------------------------- what goes in comes out


@pytest.mark.parametrize("compression", ["gzip", "repeats", None])
def test_round_trip_is_bit_identical(
    tmp_path: Path, batches: list[Batch], provenance: Provenance, compression: str | None
) -> None:
    path = write_catalog(tmp_path / "c.h5", batches, provenance=provenance, compression=compression)
    stars, points = joined(batches)
    with Catalog(path) as catalog:
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)
        assert catalog.provenance == provenance
        assert catalog.n_stars == len(catalog) == len(stars)
        assert catalog.n_points == points.n_points
        for k, (batch_stars, visits, _) in enumerate(batches):
            assert_identical(catalog.visits(k), visits)
            assert (catalog.position[np.isin(catalog.star_id, batch_stars.star_id)] == k).all()
    assert validate_catalog(path) == []
    assert not list(tmp_path.glob("*.partial"))


def test_batches_of_one_position_are_as_one(
    tmp_path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    whole = write_catalog(tmp_path / "whole.h5", batches, provenance=provenance)
    pieces = [
        part(batch, rows)
        for batch in batches
        for rows in np.array_split(np.arange(len(batch[0])), 3)
    ]
    split = write_catalog(tmp_path / "split.h5", pieces, provenance=provenance)
    with h5py.File(whole) as a, h5py.File(split) as b:
        # It covers the checksum of every dataset.
        assert a.attrs["attributes_sha256"] == b.attrs["attributes_sha256"]
    with Catalog(split) as catalog:
        assert catalog.n_positions == len(batches)
        assert catalog.n_visits == sum(len(batch[1]) for batch in batches)
        stars, points = joined(batches)
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)


def test_same_content_gives_the_same_bytes(
    tmp_path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    one = write_catalog(tmp_path / "1.h5", batches, provenance=provenance)
    two = write_catalog(tmp_path / "2.h5", batches, provenance=provenance)
    assert one.read_bytes() == two.read_bytes()


def test_returning_to_a_position_stores_its_visits_once(
    tmp_path: Path, provenance: Provenance
) -> None:
    a, b = random_batch(1, 0), random_batch(2, 100)
    others = 200 + a[0].star_id
    again = replace(a[0], star_id=others), a[1], replace(a[2], star_id=others)
    path = write_catalog(tmp_path / "c.h5", [a, b, again], provenance=provenance)
    with Catalog(path) as catalog:
        assert catalog.n_positions == 2
        assert catalog.position.tolist() == [0] * 6 + [1] * 6 + [0] * 6
    assert validate_catalog(path) == []


def test_empty_catalogue_and_empty_batch(tmp_path: Path, provenance: Provenance) -> None:
    path = write_catalog(tmp_path / "none.h5", [], provenance=provenance)
    assert validate_catalog(path) == []
    with Catalog(path) as catalog:
        assert (catalog.n_stars, catalog.n_positions, len(catalog.stars)) == (0, 0, 0)
        assert catalog.light_curves().n_points == 0
        assert len(catalog.light_curves(star_class="CEP", cone=(0.0, 0.0, 5.0))) == 0
        assert catalog.summary()["mjd_range"] is None

    stars, visits, points = random_batch(1, 0)
    none = np.zeros(0, dtype=np.int64)
    empty = LightCurves(
        star_id=none,
        offsets=[0],
        **{f.name: getattr(points, f.name)[:0] for f in fields(LightCurves)[2:]},
    )
    path = write_catalog(
        tmp_path / "some.h5",
        [(stars.take(none), visits, empty), (stars, visits, points)],
        provenance=provenance,
    )
    assert validate_catalog(path) == []
    with Catalog(path) as catalog:
        assert_identical(catalog.stars, stars)
        assert catalog.n_positions == 1


def test_stars_without_latent_coordinates(tmp_path: Path, provenance: Provenance) -> None:
    stars, visits, points = random_batch(3, 0)
    plain = replace(stars, latent=None)
    path = write_catalog(tmp_path / "c.h5", [(plain, visits, points)], provenance=provenance)
    with Catalog(path) as catalog:
        assert catalog.stars.latent is None
        assert catalog.summary()["n_latent"] == 0
    other = random_batch(4, 100)
    with CatalogWriter(tmp_path / "d.h5", provenance=provenance) as writer:
        writer.append(plain, visits, points)
        with pytest.raises(InputError, match="4 latent coordinates, those before them none"):
            writer.append(*other)


def test_every_band_and_class_fits(tmp_path: Path, provenance: Provenance) -> None:
    assert set(BAND_CODES) == set(BANDS), "a band without a code cannot be stored"
    pairs = [(name, sub) for name in STAR_CLASSES for sub in ("", *SUBTYPES[name])]
    n, bands = len(pairs), list(BANDS)
    visits = Visits(
        mjd=61000.0 + np.arange(len(bands)), band=np.array(bands), m5=24.0, night=1,
        visit_id=np.arange(len(bands)), exptime=30.0,
    )  # fmt: skip
    stars = Stars(
        star_id=np.arange(n), star_class=[p[0] for p in pairs], subtype=[p[1] for p in pairs],
        period=1.0, teff=6000.0, abs_mag_g=0.0, amplitude_i=0.5, epoch=2461000.0, ra=0.0, dec=0.0,
        distance_modulus=10.0, ebv=0.0, feh=np.nan,
    )  # fmt: skip
    m = n * len(bands)
    points = LightCurves(
        star_id=stars.star_id, offsets=np.arange(n + 1) * len(bands), mjd=np.tile(visits.mjd, n),
        band=np.tile(visits.band, n), visit_id=np.tile(visits.visit_id, n),
        mag_true=np.full(m, 20.0), mag=np.full(m, 20.0), mag_err=np.full(m, 0.1),
        flux=np.full(m, 1.0), flux_err=np.full(m, 0.1), detected=np.ones(m, bool),
        saturated=np.zeros(m, bool),
    )  # fmt: skip
    path = write_catalog(tmp_path / "c.h5", [(stars, visits, points)], provenance=provenance)
    with Catalog(path) as catalog:
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)
        summary = catalog.summary()
    assert summary["visits_per_band"] == dict.fromkeys(bands, 1)
    assert sum(summary["stars_per_class"].values()) == n
    assert json.loads(json.dumps(summary)) == summary


# ---------------------------------------------------------------- adding to a catalogue


def test_appending_gives_what_one_writer_would_have_written(
    tmp_path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    path = write_catalog(tmp_path / "c.h5", batches[:2], provenance=provenance)
    again = replace(batches[0][0], star_id=900 + batches[0][0].star_id)
    known_visits = again, batches[0][1], replace(batches[0][2], star_id=again.star_id)
    later = replace(provenance, seed=7, survey_name="other")
    write_catalog(path, [batches[2], known_visits], provenance=later, append=True)
    assert validate_catalog(path) == []
    stars, points = joined([*batches, known_visits])
    with Catalog(path) as catalog:
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)
        assert catalog.n_positions == 3, "visits that are known are not stored again"
        found = catalog.provenance
    assert (found.seed, found.survey_name) == (42, "baseline")
    (addition,) = found.extra["appended"]
    assert (addition["seed"], addition["survey_name"]) == (7, "other")
    assert addition["first_star"] == 13
    whole = write_catalog(tmp_path / "w.h5", [*batches, known_visits], provenance=provenance)
    with h5py.File(path) as a, h5py.File(whole) as b:
        for group, columns in GROUPS.items():
            for column in columns:
                name = f"{group}/{column.name}"
                assert a[name].attrs["sha256"] == b[name].attrs["sha256"], name


def test_appending_what_does_not_fit_leaves_the_catalogue(
    tmp_path: Path, path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError, match="is in the catalogue already"):
        write_catalog(path, batches[:1], provenance=provenance, append=True)
    no_latent = replace(random_batch(9, 500)[0], latent=None), *random_batch(9, 500)[1:]
    with pytest.raises(InputError, match="no latent coordinates, those before them 4"):
        write_catalog(path, [no_latent], provenance=provenance, append=True)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="there is no file"):
        write_catalog(tmp_path / "none.h5", batches, provenance=provenance, append=True)
    wrong = damaged(path, "stars/ra")
    with pytest.raises(InputError, match=r"is damaged \(stars/ra"):
        write_catalog(wrong, [random_batch(9, 500)], provenance=provenance, append=True)
    assert not list(tmp_path.glob("*.partial"))


# ---------------------------------------------------------------- lazy reading


def test_selection_by_star_keeps_the_order_asked_for(path: Path, batches: list[Batch]) -> None:
    stars, points = joined(batches)
    wanted = stars.star_id[[17, 3, 4, 5, 0]]
    with Catalog(path) as catalog:
        found = catalog.light_curves(star_ids=wanted)
        rows = catalog.select(star_ids=wanted)
        assert_identical(catalog.read_stars(rows), stars.take([17, 3, 4, 5, 0]))
    assert_identical(found, LightCurves.concatenate(points.star(i) for i in (17, 3, 4, 5, 0)))


def test_selection_by_class_and_subtype(path: Path, batches: list[Batch]) -> None:
    stars, points = joined(batches)
    with Catalog(path) as catalog:
        for name in STAR_CLASSES:
            rows = np.flatnonzero(stars.star_class == name)
            assert catalog.select(star_class=name).tolist() == rows.tolist()
        rows = np.flatnonzero((stars.star_class == "RRLYR") & (stars.subtype == "RRab"))
        assert catalog.select(star_class="rr_ab").tolist() == rows.tolist()
        assert rows.size
        found = catalog.light_curves(star_class="RRab")
    assert_identical(found, LightCurves.concatenate(points.star(int(i)) for i in rows))


def test_selection_by_cone_agrees_with_astropy(path: Path, batches: list[Batch]) -> None:
    stars, _ = joined(batches)
    sky = SkyCoord(stars.ra, stars.dec, unit="deg")
    with Catalog(path) as catalog:
        for ra, dec, radius in ((359.0, 5.0, 60.0), (10.0, 90.0, 50.0), (180.0, -90.0, 70.0)):
            inside = SkyCoord(ra, dec, unit="deg").separation(sky).deg <= radius
            assert 0 < inside.sum() < len(stars)
            rows = catalog.select(cone=(ra, dec, radius))
            assert rows.tolist() == np.flatnonzero(inside).tolist()
        quantities = (23.933333333 * u.hourangle, 5.0 * u.deg, 3600.0 * u.arcmin)
        assert (
            catalog.select(cone=quantities).tolist()
            == catalog.select(cone=(359.0, 5.0, 60.0)).tolist()
        )
        both = catalog.select(cone=(0.0, 0.0, 90.0), star_class="CEP")
        assert (catalog.read_stars(both).star_class == "CEP").all()
        assert catalog.select(cone=(0.0, 0.0, 180.0)).size == len(stars)


def test_batches_cover_the_selection(path: Path, batches: list[Batch]) -> None:
    stars, points = joined(batches)
    with Catalog(path) as catalog:
        pieces = list(catalog.batches(4))
        assert [len(s) for s, _ in pieces] == [4, 4, 4, 4, 4, 1]
        assert_identical(LightCurves.concatenate(p for _, p in pieces), points)
        assert np.concatenate([s.star_id for s, _ in pieces]).tolist() == stars.star_id.tolist()
        with pytest.raises(InputError, match="batches of 0"):
            next(catalog.batches(0))


def test_many_scattered_rows_read_the_span_once(tmp_path: Path, provenance: Provenance) -> None:
    batch = random_batch(5, 0, n=200, n_visits=10)
    path = write_catalog(tmp_path / "c.h5", [batch], provenance=provenance)
    rows = np.random.default_rng(0).permutation(200)[:90]
    with Catalog(path) as catalog:
        assert_identical(catalog.read_stars(rows), batch[0].take(rows))


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts read bytes as Linux does")
def test_one_star_reads_a_small_part_of_the_file(
    tmp_path: Path, provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the trial process reads (Python and HDF5 themselves, mostly) is counted to its parent.
    monkeypatch.setattr("pelsvae_cadence.catalog.validation._try_apart", lambda name: None)

    def bytes_read() -> int:
        return int(re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())[1])  # type: ignore[index]

    path = write_catalog(
        tmp_path / "c.h5",
        (random_batch(k, 1000 * k, n=150, n_visits=800) for k in range(3)),
        provenance=provenance,
    )
    size = path.stat().st_size
    before = bytes_read()
    with Catalog(path) as catalog:
        points = catalog.light_curves(star_ids=[1077])
    read = bytes_read() - before
    assert points.n_points in (0, *range(300, 801))
    assert size > 5e6
    assert read < 0.15 * size, f"{read} of {size} bytes"


# ---------------------------------------------------------------- errors of use


def test_wrong_selections_say_what_is_wrong(path: Path) -> None:
    with Catalog(path) as catalog:
        for problem, choice in (
            ("star 999 is not among the 21 stars", {"star_ids": [1, 999]}),
            ("star 1 is asked for twice", {"star_ids": [1, 1]}),
            ("whole numbers", {"star_ids": [1.5]}),
            ("unknown star class 'quasar'", {"star_class": "quasar"}),
            ("impossible", {"cone": (0.0, 95.0, 1.0)}),
            ("impossible", {"cone": (0.0, 0.0, -1.0)}),
            ("at once", {"star_ids": [1], "star_class": "CEP"}),
        ):
            with pytest.raises(InputError, match=problem):
                catalog.light_curves(**choice)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="no position 3; allowed: 0 to 2"):
            catalog.visits(3)
        with pytest.raises(InputError, match="no row 21"):
            catalog.read_stars([0, 21])
    with pytest.raises(InputError, match="is closed"):
        catalog.light_curves()


def test_wrong_batches_are_refused_and_the_writer_goes_on(
    tmp_path: Path, provenance: Provenance
) -> None:
    a, b = random_batch(1, 0), random_batch(2, 100)
    path = tmp_path / "c.h5"
    with CatalogWriter(path, provenance=provenance) as writer:
        writer.append(*a)
        with pytest.raises(InputError, match=f"star {a[0].star_id[0]} is in the catalogue already"):
            writer.append(*a)
        with pytest.raises(InputError, match="not those of the stars"):
            writer.append(b[0], b[1], a[2])
        fewer = b[1].take(b[1].visit_id != b[2].visit_id[0])
        with pytest.raises(InputError, match="of a light curve is not among the 59 visits"):
            writer.append(b[0], fewer, b[2])
        strange = np.where(np.arange(b[2].n_points) == 5, "J", b[2].band)
        with pytest.raises(InputError, match="unknown band 'J'"):
            writer.append(b[0], b[1], replace(b[2], band=strange))
        writer.append(*b)
    stars, points = joined([a, b])
    with Catalog(path) as catalog:
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)
    with pytest.raises(InputError, match="not open for writing"):
        writer.append(*random_batch(3, 200))


def test_repeated_stars_are_found_among_many_batches(
    tmp_path: Path, provenance: Provenance
) -> None:
    path = tmp_path / "c.h5"
    order = [5, 0, 9, 2, 7, 1]
    with CatalogWriter(path, provenance=provenance) as writer:
        for k in order:
            writer.append(*random_batch(k, 10 * k, n=5, n_visits=4))
        for k in order:
            with pytest.raises(InputError, match="in the catalogue already"):
                writer.append(*random_batch(99, 10 * k + 4, n=3, n_visits=4))


def test_existing_and_unwritable_targets(
    tmp_path: Path, path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        write_catalog(path, batches, provenance=provenance)
    assert path.read_bytes() == before
    write_catalog(path, batches[:1], provenance=provenance, overwrite=True)
    with Catalog(path) as catalog:
        assert catalog.n_positions == 1
    with pytest.raises(InputError, match=r"cannot be written: No such file or directory.*folder"):
        write_catalog(tmp_path / "missing" / "c.h5", batches, provenance=provenance)
    with pytest.raises(InputError, match="is a folder"):
        write_catalog(tmp_path, batches, provenance=provenance, overwrite=True)
    with pytest.raises(
        InputError, match="unknown compression 'zip'; allowed: 'gzip', 'repeats' or"
    ):
        write_catalog(tmp_path / "x.h5", batches, provenance=provenance, compression="zip")
    # A folder where the temporary file should go refuses whoever asks, root included.
    (tmp_path / "y.h5.partial").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_catalog(tmp_path / "y.h5", batches, provenance=provenance)


@pytest.mark.skipif(sys.platform == "win32", reason="changes permissions as Unix does")
def test_read_only_folder(tmp_path: Path, provenance: Provenance) -> None:
    root = os.geteuid() == 0 and Path("/sys").is_dir()
    # Root may write to any folder of a disk, but not into the kernel's.
    folder = Path("/sys") if root else tmp_path
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(InputError, match=r"Permission denied|Read-only file system"):
            write_catalog(folder / "c.h5", [], provenance=provenance)
    finally:
        tmp_path.chmod(0o755)


def test_provenance_keeps_what_it_is_given(tmp_path: Path) -> None:
    provenance = Provenance(
        seed=2**64 - 1,
        model_name="modèle",
        model_hash="",
        survey_name="Ω",
        extra={"list": [1, None, 0.1], "flag": True, "nested": {"a": "b"}},
    )
    assert provenance.versions["numpy"] == np.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", provenance.created)
    path = write_catalog(tmp_path / "c.h5", [], provenance=provenance)
    with Catalog(path) as catalog:
        assert catalog.provenance == provenance
    good: dict[str, Any] = {"seed": 1, "model_name": "", "model_hash": "", "survey_name": ""}
    for problem, change in (
        ("seed = -1", {"seed": -1}),
        ("seed = 18446744073709551616", {"seed": 2**64}),
        ("seed = True", {"seed": True}),
        ("extra of a provenance cannot be kept", {"extra": {"a": object()}}),
        ("extra of a provenance cannot be kept", {"extra": {"a": float("nan")}}),
        ("extra of a provenance changes", {"extra": {1: "a"}}),
        ("survey_name = None", {"survey_name": None}),
    ):
        with pytest.raises(InputError, match=re.escape(problem)):
            Provenance(**{**good, **change})


# ---------------------------------------------------------------- crashes and full disks


def test_an_error_while_writing_leaves_the_earlier_file(
    path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()

    def failing() -> Iterator[Batch]:
        yield batches[0]
        raise ZeroDivisionError("in the middle")

    with pytest.raises(ZeroDivisionError, match="in the middle"):
        write_catalog(path, failing(), provenance=provenance, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


SCRIPT = """
import resource, runpy, sys, time
from pelsvae_cadence.catalog import CatalogWriter, write_catalog
golden = runpy.run_path(sys.argv[1])
path, action = sys.argv[2], sys.argv[3]
if action == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
    try:
        write_catalog(path, golden["batches"](), provenance=golden["PROVENANCE"], overwrite=True)
    except ValueError as error:
        print(error)
        sys.exit(2)
else:
    with CatalogWriter(path, provenance=golden["PROVENANCE"], overwrite=True) as writer:
        writer.append(*golden["batches"]()[0])
        print("writing", flush=True)
        time.sleep(600)
"""


def command(*arguments: object) -> list[str]:
    maker = HERE / "data" / "make_catalog_v1.py"
    return [sys.executable, "-c", SCRIPT, str(maker), *map(str, arguments)]


@pytest.mark.parametrize("room", [100, 9_000, 46_000])
@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes as Unix does")
def test_full_disk_is_reported_and_leaves_the_earlier_file(path: Path, room: int) -> None:
    before = path.read_bytes()
    done = subprocess.run(
        command(path, "full", room), capture_output=True, text=True, timeout=60, check=False
    )
    # Not a segmentation fault at exit, which is what HDF5 does when it meets the error itself.
    assert (done.returncode, done.stderr) == (2, "")
    assert f"{path} could not be written: File too large" in done.stdout
    assert "MB free" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks as Unix has them")
def test_a_killed_writer_leaves_the_earlier_file_and_does_not_block(
    path: Path, batches: list[Batch], provenance: Provenance
) -> None:
    before = path.read_bytes()
    process = subprocess.Popen(command(path, "wait"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        with pytest.raises(InputError, match="is being written by another process"):
            write_catalog(path, batches, provenance=provenance, overwrite=True)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    partial = path.with_name(path.name + ".partial")
    assert partial.exists()
    assert path.read_bytes() == before
    with pytest.raises(InputError, match=r"partial is (not an HDF5 file|damaged)"):
        Catalog(partial)
    write_catalog(path, batches[:1], provenance=provenance, overwrite=True)
    assert not partial.exists()
    assert validate_catalog(path) == []


# ---------------------------------------------------------------- damage


def damaged(path: Path, name: str) -> Path:
    """Flip one bit in the first stored chunk of a dataset."""
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
        place = chunk.byte_offset + chunk.size // 2
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    copy = path.with_name("damaged.h5")
    copy.write_bytes(data)
    return copy


def test_every_flipped_bit_is_named_by_its_dataset(path: Path) -> None:
    for group, columns in GROUPS.items():
        for column in columns:
            name = f"{group}/{column.name}"
            problems = validate_catalog(damaged(path, name))
            assert len(problems) == 1, problems
            assert problems[0].startswith(f"{name}: the data cannot be read")


def test_reading_damaged_data_fails_and_names_the_dataset(path: Path) -> None:
    with (
        Catalog(damaged(path, "light_curves/flux")) as catalog,
        pytest.raises(InputError, match=r"damaged in light_curves/flux.*catalog validate"),
    ):
        catalog.light_curves()
    with (
        Catalog(damaged(path, "stars/teff")) as catalog,
        pytest.raises(InputError, match="damaged in stars/teff"),
    ):
        _ = catalog.stars


def test_changed_numbers_are_found_by_the_checksum(path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["light_curves/mag_true"][3] += 1e-9

    problems = changed(path, change)
    assert problems == ["light_curves/mag_true: the data do not match their checksum"]


def changed(path: Path, change: Any) -> list[str]:
    with h5py.File(path, "r+") as file:
        change(file)
    return validate_catalog(path)


def resign(file: h5py.File) -> None:
    """Make the checksums right, so that only the structure is wrong."""
    from pelsvae_cadence.catalog.layout import attributes_digest, dataset_digest

    for group in GROUPS:
        for dataset in file.get(group, {}).values():
            dataset.attrs["sha256"] = dataset_digest(dataset)
    file.attrs["attributes_sha256"] = attributes_digest(file)


def _swap_column(file: h5py.File, name: str, values: Any) -> None:
    attributes = dict(file[name].attrs)
    del file[name]
    file[name] = values
    file[name].attrs.update(attributes)


STRUCTURE: dict[str, tuple[str, Any]] = {
    "a missing dataset": (
        "light_curves/flux: the dataset is missing",
        lambda f: f["light_curves"].pop("flux"),
    ),
    "a missing group": ("provenance: the group is missing", lambda f: f.pop("provenance")),
    "a wrong unit": (
        "light_curves/flux: the attribute unit is 'Jy', expected 'nJy'",
        lambda f: f["light_curves/flux"].attrs.update(unit="Jy"),
    ),
    "a wrong type": (
        "stars/teff: the type is float32, expected float64",
        lambda f: _swap_column(f, "stars/teff", f["stars/teff"][:].astype("f4")),
    ),
    "other band codes": (
        "visits/band: the type is uint8",
        lambda f: _swap_column(f, "visits/band", f["visits/band"][:].astype("u1")),
    ),
    "a short column": (
        "stars/ra: 20 rows, expected 21",
        lambda f: _swap_column(f, "stars/ra", f["stars/ra"][:-1]),
    ),
    "another axis": (
        "stars/ra: the shape is (21, 1), expected 1 axes",
        lambda f: _swap_column(f, "stars/ra", f["stars/ra"][:].reshape(-1, 1)),
    ),
    "falling offsets": (
        "light_curves/offsets: they do not rise from 0",
        lambda f: f["light_curves/offsets"].__setitem__(3, 10**6),
    ),
    "a repeated star": (
        "stars/star_id: numbers are repeated",
        lambda f: f["stars/star_id"].__setitem__(3, f["stars/star_id"][4]),
    ),
    "an unknown class": (
        "stars/star_class: unknown class b'QSO'",
        lambda f: f["stars/star_class"].__setitem__(3, b"QSO"),
    ),
    "a position too far": (
        "stars/position: not all are from 0 to 2",
        lambda f: f["stars/position"].__setitem__(3, 3),
    ),
    "a foreign visit": (
        "light_curves/visit_id: a point's visit is not among those of its position",
        lambda f: f["light_curves/visit_id"].__setitem__(3, 10**7),
    ),
    "a group without format": (
        "stars: the attributes format and format_version are (None, 1)",
        lambda f: f["stars"].attrs.pop("format"),
    ),
    "no seed": (
        "provenance: the provenance cannot be read: ",
        lambda f: f["provenance"].attrs.pop("seed"),
    ),
}


@pytest.mark.parametrize("case", STRUCTURE)
def test_wrong_structure_is_named(path: Path, case: str) -> None:
    expected, change = STRUCTURE[case]

    def change_and_resign(file: h5py.File) -> None:
        change(file)
        resign(file)

    problems = changed(path, change_and_resign)
    assert len(problems) == 1, problems
    assert problems[0].startswith(expected)


def test_changed_provenance_is_found(path: Path) -> None:
    problems = changed(path, lambda f: f["provenance"].attrs.update(survey_name="other"))
    assert problems == ["attributes: they do not match their checksum (attributes_sha256)"]


@pytest.mark.parametrize("fraction", [0.999, 0.5, 0.01])
def test_truncated_files_are_named(path: Path, fraction: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])
    for opening in (Catalog, validate_catalog):
        with pytest.raises(InputError, match=r"catalog\.h5 is truncated"):
            opening(path)


def test_other_files_are_refused(tmp_path: Path, path: Path) -> None:
    text = tmp_path / "text.h5"
    text.write_text("not HDF5 at all")
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = [1]
    newer = tmp_path / "newer.h5"
    newer.write_bytes(path.read_bytes())
    with h5py.File(newer, "r+") as file:
        file.attrs["format_version"] = 2
    for problem, name in (
        ("there is no file", tmp_path / "none.h5"),
        ("is not an HDF5 file", text),
        ("is an HDF5 file but no catalogue", other),
        ("has format version 2, which is newer than this program.*Update", newer),
    ):
        for opening in (Catalog, validate_catalog):
            with pytest.raises(InputError, match=problem):
                opening(name)


def test_random_damage_is_found_or_harmless(tmp_path: Path) -> None:
    """Any flipped bit is either reported or in a byte that no reader looks at."""
    data = GOLDEN["PATH"].read_bytes()
    expected = everything(GOLDEN["PATH"])
    rng = np.random.default_rng(20261122)
    copy = tmp_path / "copy.h5"
    found = 0
    for place in rng.choice(len(data), 50, replace=False):
        wrong = bytearray(data)
        wrong[place] ^= 1 << int(rng.integers(8))
        copy.write_bytes(wrong)
        try:
            problems = validate_catalog(copy)
        except InputError:
            found += 1
            continue
        if problems:
            found += 1
        else:
            assert everything(copy) == expected, f"byte {place}"
    assert found > 10


def everything(path: Path) -> list[Any]:
    with Catalog(path) as catalog:
        values: list[Any] = [catalog.provenance, catalog.position.tolist()]
        tables = [catalog.stars, catalog.light_curves()]
        tables += [catalog.visits(k) for k in range(catalog.n_positions)]
    for table in tables:
        for field in fields(table):
            value = getattr(table, field.name)
            values.append(None if value is None else value.tobytes())
    return values


# ---------------------------------------------------------------- the specification


def test_golden_file_of_version_1_is_read(tmp_path: Path) -> None:
    path = GOLDEN["PATH"]
    assert path.stat().st_size < 60_000
    batches = GOLDEN["batches"]()
    assert validate_catalog(path) == []
    with Catalog(path) as catalog:
        assert catalog.format_version == 1
        stars, points = joined(batches)
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)
        assert catalog.provenance == GOLDEN["PROVENANCE"]
        for k, batch in enumerate(batches):
            assert_identical(catalog.visits(k), batch[1])
        assert catalog.visits(1).airmass is None
    # What is written today is version 1, too: it has the same content hash.
    today = write_catalog(tmp_path / "c.h5", batches, provenance=GOLDEN["PROVENANCE"])
    with h5py.File(path) as a, h5py.File(today) as b:
        assert a.attrs["attributes_sha256"] == b.attrs["attributes_sha256"]


def test_document_and_code_agree() -> None:
    types = {"i": "int64", "f": "float64", "S": "ASCII, 8 bytes", "b": "bool", "u": "band enum"}
    for group, columns in GROUPS.items():
        text = DOCUMENT.split(f"### /{group}\n")[1].split("###")[0]
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines()
            if line.startswith("| `")
        ]
        assert [row[0] for row in rows] == [f"`{column.name}`" for column in columns]
        for row, column in zip(rows, columns, strict=True):
            assert row[1] == types[column.dtype.kind], column.name
            assert row[3].strip("`") == column.unit, column.name
            assert row[4].startswith(column.description), column.name
            assert ("MAY be absent" in row[4]) == column.optional
            assert ("+ 1)" in row[2]) == bool(column.extra_rows)
            assert ("," in row[2]) == (column.n_dimensions == 2)
            if column.time_scale:
                assert row[4].endswith(
                    f"; {column.time_format.upper()}, {column.time_scale.upper()}"
                )
    codes = re.findall(r"^\| `(\w+)` \| (\d+) \|$", DOCUMENT, re.MULTILINE)
    assert {name: int(code) for name, code in codes} == BAND_CODES


def test_units_are_units_of_astropy(path: Path) -> None:
    with h5py.File(path) as file:
        names = [f"{group}/{column.name}" for group, cs in GROUPS.items() for column in cs]
        units = {name: u.Unit(file[name].attrs["unit"]) for name in names}
    assert units["light_curves/flux"] == u.nJy
    assert units["visits/m5"] == u.ABmag
    assert units["stars/ra"] == u.deg


def test_examples_of_the_document_run(
    tmp_path: Path, path: Path, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(examples) == 5
    stars, points = joined(batches)
    star = points.star(3)
    for text in examples:
        assert len(text.strip().splitlines()) <= 6
        names: dict[str, Any] = {}
        exec(compile(text, "catalog-format.md", "exec"), names)  # noqa: S102
        if "pandas" in text:
            assert names["stars"]["star_class"].tolist() == stars.star_class.tolist()
            expected = [
                points.star(i).detected.mean() if points.star(i).n_points else np.nan
                for i in range(len(points))
            ]
            np.testing.assert_array_equal(names["stars"]["detected"], expected)
        elif "import tables" in text:
            assert names["flux"].tolist() == star.flux.tolist()
            assert names["unit"] == "nJy"
        elif "hashlib" in text:
            digest = hashlib.sha256(points.flux.tobytes()).hexdigest()
            with h5py.File(path) as file:
                assert file["light_curves/flux"].attrs["sha256"] == digest
        elif "catalog import Catalog" in text:
            assert isinstance(names["light_curves"], LightCurves)
        else:
            r = star.band == "r"
            assert names["mjd"].tolist() == star.mjd[r].tolist()
            np.testing.assert_array_equal(names["mag_err"], star.mag_err[r])


def test_no_file_is_left_open(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Catalog(path) as catalog:
            assert catalog.n_stars
        gc.collect()
        path.unlink()

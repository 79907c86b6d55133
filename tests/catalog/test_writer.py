"""What goes into a catalogue comes out of it, and what does not fit is refused."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.catalog import Catalog, CatalogWriter, Provenance, validate_catalog, write_catalog
from pelsvae_cadence.catalog.layout import BAND_CODES
from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars
from tests.catalog.batches import Batch, assert_identical, joined, part, random_batch


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
    pieces = [part(batch, rows) for batch in batches for rows in np.array_split(np.arange(len(batch[0])), 3)]
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


def test_returning_to_a_position_stores_its_visits_once(tmp_path: Path, provenance: Provenance) -> None:
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
        star_id=none, offsets=[0], **{f.name: getattr(points, f.name)[:0] for f in fields(LightCurves)[2:]}
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
        mjd=61000.0 + np.arange(len(bands)),
        band=np.array(bands),
        m5=24.0,
        night=1,
        visit_id=np.arange(len(bands)),
        exptime=30.0,
    )
    stars = Stars(
        star_id=np.arange(n),
        star_class=[p[0] for p in pairs],
        subtype=[p[1] for p in pairs],
        period=1.0,
        teff=6000.0,
        abs_mag_g=0.0,
        amplitude_i=0.5,
        epoch=2461000.0,
        ra=0.0,
        dec=0.0,
        distance_modulus=10.0,
        ebv=0.0,
        feh=np.nan,
    )
    m = n * len(bands)
    points = LightCurves(
        star_id=stars.star_id,
        offsets=np.arange(n + 1) * len(bands),
        mjd=np.tile(visits.mjd, n),
        band=np.tile(visits.band, n),
        visit_id=np.tile(visits.visit_id, n),
        mag_true=np.full(m, 20.0),
        mag=np.full(m, 20.0),
        mag_err=np.full(m, 0.1),
        flux=np.full(m, 1.0),
        flux_err=np.full(m, 0.1),
        detected=np.ones(m, bool),
        saturated=np.zeros(m, bool),
    )
    path = write_catalog(tmp_path / "c.h5", [(stars, visits, points)], provenance=provenance)
    with Catalog(path) as catalog:
        assert_identical(catalog.stars, stars)
        assert_identical(catalog.light_curves(), points)
        summary = catalog.summary()
    assert summary["visits_per_band"] == dict.fromkeys(bands, 1)
    assert sum(summary["stars_per_class"].values()) == n
    assert json.loads(json.dumps(summary)) == summary


def test_wrong_batches_are_refused_and_the_writer_goes_on(tmp_path: Path, provenance: Provenance) -> None:
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


def test_repeated_stars_are_found_among_many_batches(tmp_path: Path, provenance: Provenance) -> None:
    path = tmp_path / "c.h5"
    order = [5, 0, 9, 2, 7, 1]
    with CatalogWriter(path, provenance=provenance) as writer:
        for k in order:
            writer.append(*random_batch(k, 10 * k, n=5, n_visits=4))
        for k in order:
            with pytest.raises(InputError, match="in the catalogue already"):
                writer.append(*random_batch(99, 10 * k + 4, n=3, n_visits=4))


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

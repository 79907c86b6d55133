"""Reading a part of a catalogue: by star, class and region, lazily."""

from __future__ import annotations

import gc
import re
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from pelsvae_cadence.catalog import Catalog, Provenance, write_catalog
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from tests.catalog.batches import Batch, assert_identical, joined, random_batch


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
        assert catalog.select(cone=quantities).tolist() == catalog.select(cone=(359.0, 5.0, 60.0)).tolist()
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


def test_no_file_is_left_open(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Catalog(path) as catalog:
            assert catalog.n_stars
        gc.collect()
        path.unlink()

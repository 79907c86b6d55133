"""Adding stars to a catalogue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from pelsvae_cadence.catalog import Catalog, Provenance, validate_catalog, write_catalog
from pelsvae_cadence.catalog.layout import GROUPS
from pelsvae_cadence.core.errors import InputError
from tests.catalog.batches import Batch, assert_identical, damaged, joined, random_batch


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

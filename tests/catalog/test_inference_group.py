"""The group `inference`: what was said of stars is what is read, and the file is whole at every moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pelsvae_cadence.catalog import Catalog, CatalogWriter, Provenance, validate_catalog
from pelsvae_cadence.catalog.exports.astropy_tables import star_table
from pelsvae_cadence.catalog.inference_group import aligned_columns, write_inference
from pelsvae_cadence.catalog.layout import OPTIONAL_GROUPS
from pelsvae_cadence.core.errors import InputError
from tests.catalog.batches import GOLDEN, Batch, random_batch
from tests.catalog.readings import made_up


@pytest.mark.parametrize(
    "said",
    [{}, {"classes": (), "others": 0, "physics": False}, {"classes": ("CEP", "ECL", "other"), "others": 7}],
)
def test_what_is_written_is_read(path: Path, said: dict[str, Any]) -> None:
    with Catalog(path) as catalog:
        assert catalog.inference is None
        ids, content = catalog.star_id, catalog.content_hash
    fitted = made_up(ids[::-2], **said)
    write_inference(path, fitted, command="fit it")
    assert validate_catalog(path) == []
    with Catalog(path) as catalog:
        assert catalog.inference == fitted
        assert catalog.inference is not None
        assert catalog.inference.options == fitted.options
        # The stars and points are the same: so is the content, and the version that readers must know.
        assert catalog.content_hash == content
        assert catalog.format_version == 1
    with h5py.File(path) as file:
        assert file.attrs["format_minor"] == 1
        assert file["inference"].attrs["command"] == "fit it"
        units = {c.name: c.unit for c in OPTIONAL_GROUPS["inference"]}
        assert {name: file["inference"][name].attrs["unit"] for name in file["inference"]} == {
            name: units[name] for name in file["inference"]
        }
    with pytest.raises(InputError, match="says already what its light curves tell"):
        write_inference(path, fitted)
    other = made_up(ids[:3])
    write_inference(path, other, overwrite=True)
    with Catalog(path) as catalog:
        assert catalog.inference == other
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_file_of_version_1_is_extended_and_keeps_its_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "golden.h5"
    copy.write_bytes(GOLDEN["PATH"].read_bytes())
    with Catalog(copy) as catalog:
        write_inference(copy, made_up(catalog.star_id))
    assert validate_catalog(copy) == []
    with h5py.File(GOLDEN["PATH"]) as before, h5py.File(copy) as after:
        assert set(after) - set(before) == {"inference"}
        for group in before:
            assert dict(before[group].attrs) == dict(after[group].attrs)
            for name in before[group]:
                assert before[group][name].attrs["sha256"] == after[group][name].attrs["sha256"]
                assert before[group][name][:].tobytes() == after[group][name][:].tobytes()


def test_added_stars_have_no_reading(path: Path, provenance: Provenance) -> None:
    with Catalog(path) as catalog:
        before = catalog.star_id
    fitted = made_up(before)
    write_inference(path, fitted)
    with CatalogWriter(path, provenance=provenance, append=True) as writer:
        writer.append(*random_batch(9, 1000, n=4))
    assert validate_catalog(path) == []
    with Catalog(path) as catalog:
        assert len(catalog) == before.size + 4
        assert catalog.inference == fitted
        table = star_table(catalog.stars, catalog.inference)
    assert table["fit_period"].unit == "d"
    np.testing.assert_array_equal(table["fit_period"].value[: before.size], fitted.period)
    assert np.isnan(table["fit_period"].value[before.size :]).all()
    assert table["fit_status"][before.size :].tolist() == [""] * 4


def test_columns_beside_stars_are_those_of_the_star() -> None:
    fitted = made_up([5, 3, 9])
    beside = aligned_columns(fitted, np.array([9, 4, 3, 5, 99]))
    assert beside["fit_n_points"][0].tolist() == [
        fitted.n_points[2],
        0,
        fitted.n_points[1],
        fitted.n_points[0],
        0,
    ]
    assert beside["fit_teff"][1] == "K"
    empty = aligned_columns(fitted.take([]), np.array([1, 2]))
    assert np.isnan(empty["fit_probability"][0]).all()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda f: f["inference/period"].__setitem__(0, 9.0), "inference/period: the data do not match"),
        (lambda f: f["inference/star_id"].__setitem__(0, -7), "inference/star_id: a star is not among"),
        (
            lambda f: f["inference/star_id"].__setitem__(0, f["inference/star_id"][1]),
            "star_id: numbers are repeated",
        ),
        (
            lambda f: f["inference"].attrs.__setitem__("classes", "[]"),
            "attribute classes does not name the 2",
        ),
        (lambda f: f["inference"].attrs.__setitem__("options", "no"), "attribute options holds no JSON"),
        (lambda f: f["inference"].__delitem__("status"), "inference/status: the dataset is missing"),
        (lambda f: f["inference"].attrs.__delitem__("format"), "inference: the attributes format"),
        (lambda f: f.attrs.__delitem__("format_minor"), "format_minor is None, expected 1"),
    ],
)
def test_validation_covers_the_group(path: Path, damage: Any, problem: str) -> None:
    with Catalog(path) as catalog:
        ids = catalog.star_id
    write_inference(path, made_up(ids))
    with h5py.File(path, "r+") as file:
        damage(file)
    assert any(problem in said for said in validate_catalog(path))


def test_wrong_stars_and_full_disks_leave_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, batches: list[Batch]
) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError, match="star 77777 is not among the stars"):
        write_inference(path, made_up([int(batches[0][0].star_id[0]), 77777]))
    monkeypatch.setattr(
        "pelsvae_cadence.catalog.inference_group.validate_catalog",
        lambda p: ["x"] if p.suffix == ".partial" else [],
    )
    with pytest.raises(InputError, match="what the disk holds is not what was written"):
        write_inference(path, made_up(batches[0][0].star_id))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]

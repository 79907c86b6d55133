"""Damaged and foreign files are refused, and what is wrong is named."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from pelsvae_cadence.catalog import Catalog, validate_catalog
from pelsvae_cadence.catalog.layout import GROUPS
from pelsvae_cadence.core.errors import InputError
from tests.catalog.batches import GOLDEN, damaged


def test_every_flipped_bit_is_named_by_its_dataset(path: Path) -> None:
    """One bit alone, and one in each dataset of the file at once."""
    names = [f"{group}/{column.name}" for group, columns in GROUPS.items() for column in columns]
    for wrong in (["light_curves/flux"], names):
        problems = validate_catalog(damaged(path, *wrong))
        assert len(problems) == len(wrong), problems
        for problem, name in zip(problems, wrong, strict=True):
            assert problem.startswith(f"{name}: the data cannot be read")


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


def changed(path: Path, change: Any) -> list[str]:
    with h5py.File(path, "r+") as file:
        change(file)
    return validate_catalog(path)


def test_changed_numbers_are_found_by_the_checksum(path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["light_curves/mag_true"][3] += 1e-9

    problems = changed(path, change)
    assert problems == ["light_curves/mag_true: the data do not match their checksum"]


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
    "no seed": ("provenance: the provenance cannot be read: ", lambda f: f["provenance"].attrs.pop("seed")),
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


@pytest.mark.slow
def test_random_damage_is_found_or_harmless(tmp_path: Path) -> None:
    """Any flipped bit is either reported or in a byte that no reader looks at."""
    data = GOLDEN["PATH"].read_bytes()
    expected = everything(GOLDEN["PATH"])
    rng = np.random.default_rng(20261122)
    copy = tmp_path / "copy.h5"
    found = 0
    for place in rng.choice(len(data), 12, replace=False):
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
    assert found > 2

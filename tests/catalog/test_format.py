"""The specification: the golden file, the document and the code agree."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import astropy.units as u
import h5py
import numpy as np
import pytest

from pelsvae_cadence.catalog import Catalog, validate_catalog, write_catalog
from pelsvae_cadence.catalog.layout import BAND_CODES, GROUPS, OPTIONAL_GROUPS
from pelsvae_cadence.light_curves import LightCurves
from tests.catalog.batches import GOLDEN, HERE, Batch, assert_identical, joined

DOCUMENT = (HERE.parent / "docs" / "catalog-format.md").read_text()


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
    types = {"i": "int64", "f": "float64", "b": "bool", "u": "band enum"}
    for group, columns in (GROUPS | OPTIONAL_GROUPS).items():
        text = DOCUMENT.split(f"### /{group}\n")[1].split("###")[0]
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines()
            if line.startswith("| `")
        ]
        assert [row[0] for row in rows] == [f"`{column.name}`" for column in columns]
        for row, column in zip(rows, columns, strict=True):
            text = f"ASCII, {column.dtype.itemsize} bytes"
            assert row[1] == types.get(column.dtype.kind, text), column.name
            assert row[3].strip("`") == column.unit, column.name
            assert row[4].startswith(column.description), column.name
            assert ("MAY be absent" in row[4]) == column.optional
            assert ("+ 1)" in row[2]) == bool(column.extra_rows)
            assert ("," in row[2]) == (column.n_dimensions == 2)
            if column.time_scale:
                assert row[4].endswith(f"; {column.time_format.upper()}, {column.time_scale.upper()}")
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

"""Light curves nested in rows of Parquet files: any rows of them are those of the whole table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.hats import arrow_array, arrow_table
from pelsvae_cadence.readers.front_door import read_light_curves
from pelsvae_cadence.readers.stored import ParquetLightCurves

N = 20


def columns(ids, *, faint=()):
    """Rows of stars with 0 to 6 points; those of faint stars have no magnitude."""
    rng = np.random.default_rng(1)
    counts = np.arange(len(ids)) % 7
    n = int(counts.sum())
    star = np.repeat(np.arange(len(ids)), counts)
    flux = np.where(np.isin(star, faint), 1.0, rng.uniform(1e4, 1e5, n))
    detected = flux > 5.0 * 100.0
    points = {
        "mjd": (60000.0 + np.arange(n), "d"),
        "band": (np.where(np.arange(n) % 3, "g", "r"), ""),
        "mag": (np.where(detected, 31.4 - 2.5 * np.log10(flux), np.nan), "mag(AB)"),
        "mag_err": (np.full(n, 0.02), "mag"),
        "flux": (flux, "nJy"),
        "flux_err": (np.full(n, 100.0), "nJy"),
    }
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    lists = {
        name: (pa.ListArray.from_arrays(offsets, arrow_array(value)), unit)
        for name, (value, unit) in points.items()
    }
    nested = pa.StructArray.from_arrays(
        [value for value, _ in lists.values()],
        fields=[pa.field(name, v.type, metadata={"unit": u}) for name, (v, u) in lists.items()],
    )
    return [("objectId", arrow_array(np.asarray(ids)), ""), ("lightcurve", nested, None)]


def write(folder, ids, *, units=True, **options):
    """Write rows into two files with row groups of three."""
    folder.mkdir()
    table = arrow_table(columns(ids, **options))
    if not units:
        plain = [pa.field(f.name, f.type) for f in table.schema.field("lightcurve").type]
        schema = pa.schema(
            [("objectId", table.schema.field("objectId").type), ("lightcurve", pa.struct(plain))]
        )
        table = pa.table(
            [c.combine_chunks().cast(t) for c, t in zip(table.columns, schema.types, strict=True)],
            schema=schema,
        )
    for name, part in (("a", table.slice(0, 8)), ("b", table.slice(8))):
        pq.write_table(part, folder / f"{name}.parquet", row_group_size=3)
    return folder


@pytest.mark.parametrize("ids", [2**60 + np.arange(N)[::-1], np.array([f"star {k:02d}" for k in range(N)])])
def test_rows_are_those_of_the_whole_table(tmp_path, ids):
    folder = write(tmp_path / "stars", ids)
    stored, whole = ParquetLightCurves.open(folder), read_light_curves(folder)
    assert stored is not None
    assert len(stored) == N
    assert stored.star_id.tolist() == ids.tolist()
    names = (whole.star_id if whole.name is None else whole.name).tolist()
    for start, stop in ((0, N), (2, 10), (7, 9), (5, 6), (N - 1, N), (4, 4)):
        part = stored.read_light_curves(np.arange(start, stop))
        found = (part.star_id if part.name is None else part.name).tolist() if len(part) else []
        wanted = [name for name in ids[start:stop].tolist() if name in names]
        assert sorted(found) == sorted(wanted)
        for k, name in enumerate(found):
            mine, other = part.star(k), whole.star(names.index(name))
            for column in ("mjd", "flux", "flux_err", "band"):
                assert getattr(mine, column).tolist() == getattr(other, column).tolist()
        # Stars with a name are numbered by their row, whoever reads it.
        if part.name is not None:
            assert len(set(part.star_id.tolist()) & set(range(start, stop))) == len(part)


def test_what_is_not_a_star_per_row_is_read_as_a_whole(tmp_path):
    assert ParquetLightCurves.open({"mjd": [1.0]}) is None
    assert ParquetLightCurves.open(tmp_path / "none.parquet") is None
    pq.write_table(pa.table({"star_id": [1, 1], "mjd": [1.0, 2.0]}), tmp_path / "points.parquet")
    assert ParquetLightCurves.open(tmp_path / "points.parquet") is None
    assert ParquetLightCurves.open(write(tmp_path / "twice", np.arange(N) // 2)) is None


def test_pieces_of_faint_stars_have_the_unit_of_the_others(tmp_path):
    folder = write(tmp_path / "stars", np.arange(N), units=False, faint=range(9, 13))
    stored, whole = ParquetLightCurves.open(folder), read_light_curves(folder)
    assert stored is not None
    faint = stored.read_light_curves(np.arange(9, 13))
    assert faint.flux.tolist() == [1.0] * 14
    assert (
        whole.flux[np.isin(np.repeat(whole.star_id, np.diff(whole.offsets)), range(9, 13))].tolist()
        == [1.0] * 14
    )
    assert "flux has no unit" in str(stored.origin)


def test_the_hash_is_that_of_the_files(tmp_path):
    one, same, other = (
        ParquetLightCurves.open(write(tmp_path / name, np.arange(N) + shift))
        for name, shift in (("one", 0), ("same", 0), ("other", 1))
    )
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.content_hash == same.content_hash != other.content_hash


def test_rows_that_the_reader_refuses_are_refused_at_once(tmp_path):
    folder = write(tmp_path / "stars", np.arange(N))
    with pytest.raises(InputError, match="no column 'when'"):
        ParquetLightCurves.open(folder, "table", time="when")

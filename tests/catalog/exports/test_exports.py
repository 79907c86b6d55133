"""Catalogues in other people's hands: LSDB, nested-pandas, astropy."""

from __future__ import annotations

import shutil
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable

from pelsvae_cadence.cadence import Survey
from pelsvae_cadence.catalog import Catalog
from pelsvae_cadence.catalog.exports.astropy_tables import star_table, time_series
from pelsvae_cadence.catalog.exports.hats import export_hats
from pelsvae_cadence.catalog.generation import generate_catalog
from pelsvae_cadence.catalog.inference_group import write_inference
from pelsvae_cadence.catalog.sites import DrawnStars
from pelsvae_cadence.core.errors import InputError
from tests.catalog.readings import made_up


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(4)
    ra, dec = np.array([10.0, 100.0, 200.0]), np.array([-30.0, -5.0, -60.0])
    seen = np.repeat(np.arange(2), 30)  # the third place has no visits
    mjd = rng.uniform(61000.0, 61365.0, 60)
    survey = Survey(
        name="made up",
        survey="lsst",
        ra=ra[seen],
        dec=dec[seen],
        mjd=mjd,
        band=rng.choice(list("gri"), 60),
        m5=np.full(60, 24.0),
        night=(mjd - 61000.0).astype(int),
        visit_id=np.arange(60),
        exptime=np.full(60, 30.0),
    )
    stars = DrawnStars(ra=ra, dec=dec, star_classes=("RRab", "EW"), stars_per_class=4)
    return generate_catalog(tmp_path_factory.mktemp("c") / "c.h5", survey, stars, seed=1).path


def test_astropy_keeps_numbers_units_and_time_scales(path: Path, tmp_path: Path) -> None:
    with Catalog(path) as catalog:
        stars, points = catalog.stars, catalog.light_curves()
    table = star_table(stars)
    assert table["period"].unit == u.day
    assert table["period"].value.tolist() == stars.period.tolist()
    assert table["epoch"].scale == "tdb"
    assert table["epoch"].jd.tolist() == stars.epoch.tolist()
    table.write(tmp_path / "stars.ecsv")
    again = QTable.read(tmp_path / "stars.ecsv")
    assert again["teff"].unit == u.K
    assert again["star_id"].tolist() == stars.star_id.tolist()
    row = int(np.argmax(np.diff(points.offsets)))
    one = points.star(row)
    series = time_series(points, int(points.star_id[row]))
    assert len(series) == one.n_points == 30
    assert series.time.scale == "tai"
    np.testing.assert_allclose(series.time.mjd, one.mjd, rtol=1e-15)
    assert series["flux"].value.tolist() == one.flux.tolist()
    np.testing.assert_allclose(series["flux"].to_value(u.uJy), one.flux / 1000.0, rtol=1e-14)
    assert series["mag_true"].unit == u.ABmag
    np.testing.assert_allclose(
        series["mag_true"].physical.to_value(u.nJy),
        10 ** (0.4 * (31.4000678 - one.mag_true)),
        rtol=1e-4,  # astropy's zero point is 3630.8 Jy
    )
    folded = series.fold(period=stars.period[row] * u.day)
    assert len(folded) == 30
    with pytest.raises(InputError, match="star 5 is not among"):
        time_series(points, 5)


@pytest.mark.filterwarnings("default")
def test_lsdb_opens_the_export_and_finds_the_same_numbers(path: Path, tmp_path: Path) -> None:
    lsdb = pytest.importorskip("lsdb", reason="LSDB is an option")
    said: list[tuple[int, int]] = []
    path = Path(shutil.copy(path, tmp_path / "fitted.h5"))
    with Catalog(path) as catalog:
        fitted = made_up(catalog.star_id[2:])
    write_inference(path, fitted)
    folder = export_hats(path, tmp_path / "stars", stars_per_file=5, progress=lambda *p: said.append(p))
    assert said[-1] == (3, 3), "a file for each place"
    with Catalog(path) as catalog:
        stars, points = catalog.stars, catalog.light_curves()
    opened = lsdb.open_catalog(folder)
    assert len(opened) == len(stars) == 24
    assert opened.hc_structure.catalog_info.catalog_name == "stars"
    frame = opened.compute()
    assert sorted(frame["star_id"].tolist()) == sorted(stars.star_id.tolist())
    by_id = frame.set_index("star_id")
    for row in (0, 9, 23):
        found, one = by_id.loc[stars.star_id[row]], points.star(row)
        assert found["period"] == stars.period[row]
        assert found["subtype"] == stars.subtype[row]
        assert found["latent_1"] == stars.latent[row, 1]  # type: ignore[index]
        said = fitted.take(fitted.star_id == stars.star_id[row])
        if len(said):
            np.testing.assert_equal(found["fit_period"], said.period[0])
            assert found["fit_status"] == said.status[0]
        else:
            assert row == 0
            assert np.isnan(found["fit_period"])
        curve = found["lightcurve"]
        assert (0 if curve is None else len(curve)) == one.n_points
        if one.n_points:
            assert curve["flux"].tolist() == one.flux.tolist()
            assert curve["band"].tolist() == one.band.tolist()
            np.testing.assert_array_equal(curve["mag"].to_numpy(float), one.mag)
    # What LSDB is for: a cone, and a column of the nested light curves.
    near = opened.cone_search(ra=10.0, dec=-30.0, radius_arcsec=3600.0).compute()
    assert len(near) == 8
    mean = near["lightcurve.mag_true"].groupby(level=0).mean()
    assert mean.notna().all()
    with pytest.raises(InputError, match="exists already"):
        export_hats(path, folder)
    assert export_hats(path, folder, overwrite=True, stars_per_file=100) == folder
    assert not list(tmp_path.glob("*.partial"))


def test_wrong_exports_say_what_is_wrong(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("hats", reason="HATS is an option")
    with pytest.raises(InputError, match="0 stars per file"):
        export_hats(path, tmp_path / "a", stars_per_file=0)
    with pytest.raises(InputError, match="there is no file"):
        export_hats(tmp_path / "none.h5", tmp_path / "a")
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="could not be written"):
        export_hats(path, file / "a")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]

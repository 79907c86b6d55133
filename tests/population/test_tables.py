"""Users' own tables of stars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.population.tables import read_star_table, write_star_table


@pytest.fixture(scope="module")
def model():
    return LightCurveModel.load()


@pytest.fixture(scope="module")
def stars(model):
    return model.sample("RRab", n=5, seed=1, ra=[1, 2, 3, 4, 5], dec=-30, distance_modulus=15.5, ebv=0.1)


@pytest.mark.parametrize("kind", ["csv", "ecsv", "parquet", "fits", "fits.gz"])
def test_written_tables_are_read_back(stars, tmp_path, kind):
    file = tmp_path / f"stars.{kind}"
    write_star_table(stars, file, extra={"note": ["a", "b", "c", "d", "e"]})
    back = read_star_table(file)
    for name in (
        "star_id",
        "star_class",
        "subtype",
        "period",
        "teff",
        "abs_mag_g",
        "amplitude_i",
        "epoch",
        "ra",
        "dec",
        "distance_modulus",
        "ebv",
        "feh",
    ):
        np.testing.assert_array_equal(getattr(back, name), getattr(stars, name), err_msg=name)


def write(tmp_path, **columns):
    file = tmp_path / "mine.csv"
    pd.DataFrame(columns).to_csv(file, index=False)
    return file


FULL = {
    "Type": ["RRab", "cepheid"],
    "RAJ2000": [10.0, 20.0],
    "DEJ2000": [-5.0, -6.0],
    "P": [0.55, 5.0],
    "Teff": [6500, 5800],
    "M_G": [0.6, -3.5],
    "A_I": [0.5, 0.4],
}


def test_aliases_and_conversions(tmp_path):
    table = read_star_table(
        write(tmp_path, **FULL, T0=[5000.5, 5001.5], distance_kpc=[10.0, 50.0], SFD=[0.1, 0.2])
    )
    assert table.star_class.tolist() == ["RRLYR", "CEP"]
    assert table.subtype.tolist() == ["RRab", ""]
    np.testing.assert_allclose(table.distance_modulus, [15.0, 5 * np.log10(50) + 10])
    np.testing.assert_allclose(table.ebv, [0.086, 0.172])
    np.testing.assert_allclose(table.epoch, [2455000.5, 2455001.5])
    assert table.star_id.tolist() == [0, 1]
    later = read_star_table(write(tmp_path, **FULL, t0=[60000.0, 60001.0]))
    np.testing.assert_allclose(later.epoch, [2460000.5, 2460001.5])


def test_units_of_the_file_and_of_the_user(tmp_path):
    from astropy import units as u
    from astropy.table import QTable

    table = QTable(
        {
            "class": ["RRab"],
            "ra": [60.0] * u.arcmin,
            "dec": [-600.0] * u.arcmin,
            "period": [13.2] * u.hour,
            "teff": [6500.0] * u.K,
            "abs_mag_g": [0.6] * u.mag,
            "amplitude_i": [0.5] * u.mag,
            "distance": [10.0] * u.Mpc,
        }
    )
    for name in ("stars.fits", "stars.ecsv"):
        table.write(tmp_path / name)
        star = read_star_table(tmp_path / name)
        assert star.period[0] == pytest.approx(0.55)
        assert star.ra[0] == pytest.approx(1.0)
        assert star.dec[0] == pytest.approx(-10.0)
        assert star.distance_modulus[0] == pytest.approx(30.0)
    star = read_star_table(write(tmp_path, **FULL), units={"period": "hour"})
    assert star.period[0] == pytest.approx(0.55 / 24)
    with pytest.raises(InputError, match="is in 'K', which is no unit of period"):
        read_star_table(write(tmp_path, **FULL), units={"period": "K"})


def test_missing_physics_is_drawn_given_the_rest(tmp_path, model):
    n = 300
    file = write(
        tmp_path, star_class=["CEP"] * n, ra=[80.0] * n, dec=[-69.0] * n, period=np.geomspace(3, 8, n)
    )
    drawn = read_star_table(file, model=model, seed=2)
    np.testing.assert_allclose(drawn.period, np.geomspace(3, 8, n))
    # The period-luminosity relation holds for what was drawn.
    assert np.polyfit(np.log10(drawn.period), drawn.abs_mag_g, 1)[0] < -2.0
    again = read_star_table(file, model=model, seed=2)
    np.testing.assert_array_equal(drawn.teff, again.teff)
    with pytest.raises(InputError, match=r"no column teff; allowed: teff or t_eff"):
        read_star_table(file)


def test_names_that_no_alias_finds(tmp_path):
    renamed = {**{k: v for k, v in FULL.items() if k != "P"}, "Per_1": [0.55, 5.0]}
    file = write(tmp_path, **renamed)
    assert read_star_table(file, columns={"period": "Per_1"}).period[0] == 0.55
    with pytest.raises(InputError, match=r"has no column 'Per'; allowed: .*Per_1"):
        read_star_table(file, columns={"period": "Per"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"P": [0.55, np.nan]}, r"'P' of mine\.csv is no finite number in 1 of 2 rows, .* row 2"),
        ({"P": [0.55, "five"]}, r"row 2 \('five'\)"),
        ({"P": [0.55, -5.0]}, r"period = -5 d of star 1 is out of range"),
        ({"Type": ["RRab", "nova"]}, r"row 2 of mine\.csv: unknown star class 'nova'"),
        ({"DEJ2000": [-5.0, 95.0]}, r"dec = 95 deg"),
        ({"per": [0.5, 5.0]}, "'P' and 'per' of mine.csv both mean period"),
        ({"id": ["a", "b"]}, "does not hold whole numbers"),
        ({"id": [3, 3]}, "star_id must be unique"),
        ({"mu": [15, 16], "distance": [1, 2]}, "gives distance_modulus and distance"),
        ({"ebv": [0.1, 0.1], "sfd": [0.1, 0.1]}, "gives ebv and ebv_sfd"),
        ({"distance": [1.0, 0.0]}, r"distance in row 2 of mine\.csv is not positive"),
        ({"epoch": [60000.0, 2460000.0]}, "epochs of mine.csv run from 60000"),
    ],
)
def test_bad_tables_say_where(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        read_star_table(write(tmp_path, **{**FULL, **change}))


@pytest.mark.parametrize("suffix", ["ecsv", "fits"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("distance", r"'distance' of mine\.\w+ is no finite number in 1 of 2 rows, first in row 2"),
        ("source_id", r"'source_id' of mine\.\w+ is missing in 1 of 2 rows, first in row 2"),
    ],
)
def test_masked_whole_numbers_are_no_fill_values(tmp_path, suffix, name, message):
    from astropy.table import MaskedColumn, Table

    table = Table({key: FULL[key] for key in FULL if key not in ("mu", "distance", "id")})
    table["distance"] = MaskedColumn([50, 50], unit="kpc", dtype=int)
    table["source_id"] = MaskedColumn([2**60 + 1, 12], dtype=int)
    file = tmp_path / f"mine.{suffix}"
    table.write(file)
    assert read_star_table(file).star_id.tolist() == [2**60 + 1, 12]
    table[name].mask = [False, True]
    table.write(file, overwrite=True)
    with pytest.raises(InputError, match=message):
        read_star_table(file)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(InputError, match=r"unknown kind of star table 'a\.txt'; allowed: \.csv"):
        read_star_table(tmp_path / "a.txt")
    with pytest.raises(InputError, match="no star table at"):
        read_star_table(tmp_path / "a.csv")
    for name in ("b.parquet", "b.fits"):
        (tmp_path / name).write_bytes(b"not a table")
        with pytest.raises(InputError, match="cannot be read"):
            read_star_table(tmp_path / name)
    (tmp_path / "c.csv").write_text("class,ra,dec\n")
    with pytest.raises(InputError, match="holds no star"):
        read_star_table(tmp_path / "c.csv")
    with pytest.raises(InputError, match=r"has no column dec .*Rename"):
        read_star_table(write(tmp_path, star_class=["RRab"], ra=[1.0]))

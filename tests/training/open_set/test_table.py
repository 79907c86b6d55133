"""The committed training table and its loader."""

from __future__ import annotations

import zipfile
from dataclasses import fields

import numpy as np
import pytest

from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES, is_binary
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.splits import SPLITS, is_reserved
from pelsvae_cadence.training.labels.physical import LabelFlag
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set, read_card, save_open_set, split_of


@pytest.fixture(scope="module")
def table() -> OpenSet:
    return load_open_set()


def test_no_reserved_star_enters_any_split(table: OpenSet) -> None:
    assert not is_reserved(table.star).any()
    # Independently of the function: by the last digits of the names.
    ogle = np.array([s for s in table.star if s.startswith("OGLE-")])
    assert ogle.size > 5000
    assert not np.char.endswith(ogle, "7").any()
    lmc_cep = ogle[np.char.startswith(ogle, "OGLE-LMC-CEP-")]
    assert lmc_cep.size > 1000
    assert all(int(name[-1]) % 2 == 0 for name in lmc_cep)


@pytest.mark.parametrize(
    ("star", "reserved"),
    [
        ("OGLE-LMC-CEP-0001", True),
        ("OGLE-LMC-CEP-0002", False),
        ("OGLE-LMC-CEP-0007", True),
        ("OGLE-SMC-CEP-0001", False),
        ("OGLE-SMC-CEP-1237", True),
        ("OGLE-BLG-RRLYR-01237", True),
        ("OGLE-BLG-RRLYR-01273", False),
        ("OGLE-LMC-T2CEP-117", True),
        ("S82-13357", False),
        ("ROCHE-ECL-300007", False),
    ],
)
def test_reserved_names(star: str, reserved: bool) -> None:
    assert is_reserved([star]).tolist() == [reserved]


def test_every_class_and_subtype_has_rows(table: OpenSet) -> None:
    for star_class in STAR_CLASSES:
        mine = table.star_class == star_class
        assert mine.sum() >= 50
        assert set(np.unique(table.subtype[mine])) == set(SUBTYPES[star_class])


def test_one_row_a_star_and_stratified_splits(table: OpenSet) -> None:
    assert np.unique(table.star).size == len(table)
    # Stars from which others learned have kept the split of their names.
    donors = (table.star_class == "CEP") & (table.provenance == "observed")
    donors |= np.char.startswith(table.star, "S82-")
    np.testing.assert_array_equal(table.split[donors], split_of(table.star[donors]))
    strata = [f"{c} {s}" for c, s in zip(table.star_class, table.subtype, strict=True)]
    for stratum in np.unique(strata):
        mine = table.split[np.array(strata) == stratum]
        for name, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
            assert abs((mine == name).sum() - share * mine.size) <= 1.5, (stratum, name)


def test_split_of_a_star_does_not_depend_on_the_others() -> None:
    names = [f"OGLE-LMC-RRLYR-{i:05d}" for i in range(2000)]
    whole = split_of(names)
    np.testing.assert_array_equal(split_of(names[::-3]), whole[::-3])
    assert (whole == "train").mean() == pytest.approx(0.6, abs=0.04)


def test_shapes_are_standard(table: OpenSet) -> None:
    phase = np.arange(1024) / 1024
    value = table.curve.evaluate(phase)
    assert np.ptp(value, axis=1) == pytest.approx(1.0, abs=1e-3)
    assert np.abs(value.mean(axis=1)).max() < 1e-6
    binary = np.array([is_binary(c) for c in table.star_class])
    # The value at phase zero is the extreme one: within the rounding of the coefficients.
    deepest = np.where(binary, value.max(axis=1), value.min(axis=1))
    assert np.abs(value[:, 0] - deepest).max() < 2e-3


def test_pulsators_use_24_harmonics(table: OpenSet) -> None:
    pulsating = ~np.isin(table.star_class, ["ECL", "ELL"])
    assert not table.cos[pulsating, 24:].any()
    assert not table.sin[pulsating, 24:].any()


def test_labels_are_physical(table: OpenSet) -> None:
    ranges = {
        "ACEP": ((0.3, 3.0), (5500, 8500), (-3.0, 1.0)),
        "CEP": ((0.2, 250.0), (4000, 8500), (-8.5, 1.0)),
        "DSCT": ((0.03, 0.35), (5800, 9000), (-1.0, 4.5)),
        "LPV": ((80.0, 1500.0), (2000, 4200), (-7.5, 5.0)),
        "RRLYR": ((0.18, 1.1), (5000, 9500), (-1.6, 2.6)),
        "T2CEP": ((0.9, 100.0), (3500, 10000), (-6.5, 1.7)),
    }
    for star_class, limits in ranges.items():
        mine = table.star_class == star_class
        for name, (low, high) in zip(("period", "teff", "abs_mag_g"), limits, strict=True):
            values = getattr(table, name)[mine]
            assert values.min() >= low, (star_class, name)
            assert values.max() <= high, (star_class, name)


def test_luminosity_rises_with_period_in_cepheids(table: OpenSet) -> None:
    for subtype in ("F", "1O"):
        mine = (table.star_class == "CEP") & (table.subtype == subtype) & (table.galaxy == "LMC")
        slope = np.polyfit(np.log10(table.period[mine]), table.abs_mag_i[mine], 1)[0]
        assert -3.8 < slope < -2.4


def test_miras_and_bulge_stars_carry_their_warnings(table: OpenSet) -> None:
    assert (table.flags[table.star_class == "LPV"] & LabelFlag.NO_COLOUR_RELATION).all()
    assert (table.flags[table.galaxy == "BLG"] & LabelFlag.BULGE_LAW).all()
    assert (table.flags[table.galaxy == "SIM"] & LabelFlag.COMBINED_LIGHT).all()


def test_card_counts_the_rows(table: OpenSet) -> None:
    card = read_card()
    assert sum(card["rows"].values()) == len(table)
    assert sum(card["catalogue_rejected"].values()) > 0


def test_save_and_load_keep_the_shapes(table: OpenSet, tmp_path) -> None:
    part = table.take(np.arange(0, len(table), 97))
    save_open_set(part, tmp_path / "part.npz")
    again = load_open_set(tmp_path / "part.npz")
    phase = np.arange(200) / 200
    difference = part.curve.evaluate(phase) - again.curve.evaluate(phase)
    assert np.abs(difference).max() < 1e-3
    for field in fields(part):
        if field.name in ("cos", "sin"):
            continue
        np.testing.assert_array_equal(
            getattr(part, field.name), getattr(again, field.name), err_msg=field.name
        )


def test_other_versions_and_absent_files_are_refused(table: OpenSet, tmp_path) -> None:
    with pytest.raises(InputError, match="no training table"):
        load_open_set(tmp_path / "absent.npz")
    file = tmp_path / "old.npz"
    save_open_set(table.take([0, 1]), file)
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez_compressed(file, **{**arrays, "schema": np.array(99)})
    with pytest.raises(InputError, match="schema version 99"):
        load_open_set(file)


def test_the_file_holds_no_pickles() -> None:
    from pelsvae_cadence.training.open_set import table as open_set

    with zipfile.ZipFile(open_set.OPEN_SET_FILE) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                assert b"'O'" not in member.read(128), name


def test_wrong_rows_are_refused(table: OpenSet) -> None:
    columns = {f.name: getattr(table.take([0, 1]), f.name) for f in fields(OpenSet)}
    with pytest.raises(InputError, match="more than one row"):
        OpenSet(**{**columns, "star": np.array(["A", "A"])})
    with pytest.raises(InputError, match="unknown provenance"):
        OpenSet(**{**columns, "provenance": np.array(["hearsay", "observed"])})
    with pytest.raises(InputError, match="teff is not finite"):
        OpenSet(**{**columns, "teff": np.array([np.nan, 6000.0])})

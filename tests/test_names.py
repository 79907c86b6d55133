"""Bands and classes: the names people write."""

from __future__ import annotations

import pytest

from pelsvae_cadence.bands import BANDS, LSST_BANDS, ZTF_BANDS, parse_bands
from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES, display_name, is_binary, parse_star_class
from pelsvae_cadence.core.errors import InputError


def test_band_spellings():
    assert parse_bands(["g_6", "r_57", "LSST_i", " z "]).tolist() == ["g", "r", "i", "z"]
    assert parse_bands(["g", "zr", "ztfi", "ZTF_g"], "ztf").tolist() == ["zg", "zr", "zi", "zg"]
    assert tuple("ugrizy") == LSST_BANDS
    assert ZTF_BANDS == ("zg", "zr", "zi")
    wavelengths = [BANDS[b].wavelength for b in LSST_BANDS]
    assert wavelengths == sorted(wavelengths)


@pytest.mark.parametrize(
    ("names", "survey"),
    [(["g", "white"], "lsst"), (["u"], "ztf"), (["zg"], "lsst"), ([""], "lsst"), (["nan"], "lsst")],
)
def test_unknown_band(names, survey):
    with pytest.raises(InputError, match="unknown band"):
        parse_bands(names, survey)


def test_unknown_survey():
    with pytest.raises(InputError, match="lsst, ztf"):
        parse_bands(["g"], "des")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("RRab", ("RRLYR", "RRab")),
        ("rrc", ("RRLYR", "RRc")),
        ("RR Lyrae", ("RRLYR", None)),
        ("EA", ("ECL", "EA")),
        ("W UMa", ("ECL", "EW")),
        ("Mira", ("LPV", "Mira")),
        ("delta-Scuti", ("DSCT", None)),
        ("BL Her", ("T2CEP", "BLHer")),
        ("cepheid", ("CEP", None)),
    ],
)
def test_class_aliases(name, answer):
    assert parse_star_class(name) == answer


def test_every_class_and_subtype_resolves():
    for star_class in STAR_CLASSES:
        assert parse_star_class(star_class.lower()) == (star_class, None)
    for star_class, subtypes in SUBTYPES.items():
        for subtype in subtypes:
            if subtype not in ("F", "1O", star_class):
                assert parse_star_class(subtype) == (star_class, subtype)
    assert [c for c in STAR_CLASSES if is_binary(c)] == ["ECL", "ELL"]


def test_display_names():
    assert display_name("RRLYR", "RRab") == "RRab"
    assert display_name("CEP", "F") == "CEP F"
    assert display_name("DSCT", "DSCT") == "DSCT"
    assert display_name("ECL", "") == "ECL"


def test_unknown_class_lists_the_classes():
    with pytest.raises(InputError, match=r"unknown star class 'quasar'.*RRLYR.*RRab"):
        parse_star_class("quasar")

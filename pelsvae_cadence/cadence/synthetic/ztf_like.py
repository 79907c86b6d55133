"""The numbers of the ZTF-like preset.

All tables were measured for this purpose on the ZTF pointings of 2018 to 2022 (642,659 after
removal of repeats; times quantised to 1/256 d), at HEALPix nside 16 positions with more than 250
pointings within 3.5 deg, and are rounded.
"""

from __future__ import annotations

from typing import Final

from pelsvae_cadence.cadence.synthetic.almanac import Site
from pelsvae_cadence.cadence.synthetic.presets import DepthModel, SurveyModel

__all__ = ["ZTF_2018"]

# Band sequences of a night and their shares in units of 1e-4. The last ones stand for the 6 % of
# nights with rarer sequences.
_PATTERNS: Final = {
    "rg": 1872,
    "gr": 1743,
    "r": 1100,
    "g": 1040,
    "i": 525,
    "rr": 261,
    "rrr": 204,
    "rrrr": 197,
    "rrg": 168,
    "gg": 153,
    "grr": 145,
    "rgg": 131,
    "ggr": 130,
    "rrgg": 93,
    "ggrr": 84,
    "rig": 75,
    "irg": 73,
    "rgi": 72,
    "igr": 69,
    "gir": 67,
    "gri": 66,
    "ii": 53,
    "rrrrr": 50,
    "ir": 49,
    "ig": 47,
    "ri": 44,
    "gi": 41,
    "rgr": 45,
    "ggg": 32,
    "grrg": 38,
    "rrrg": 38,
    "rrrggg": 37,
    "grg": 46,
    "rggr": 34,
    "gggrrr": 33,
    "gggr": 32,
    "rggg": 31,
    "rrrgg": 38,
    "rgrrgg": 38,
    "grrr": 28,
    "rrggg": 38,
    "ggrrr": 37,
    "gggrr": 33,
    "rgrg": 21,
    "grrrg": 30,
    "ggrrrg": 25,
    "rrrrrr": 25,
    "rrgggr": 24,
    "rgggrr": 24,
    "rgii": 19,
    "grgr": 19,
    "rgggr": 25,
    "grrrgg": 24,
    "rrrrrrr": 35,
    "ggrrgrr": 60,
    "rrrgggr": 40,
    "rrrrrrrr": 25,
    "ggrrggrr": 25,
    "rrrrrrrrrr": 15,
}
# fmt: off
_SEASON_SOUTH: Final = (
    0, 0, 0, 1, 31, 26, 35, 86, 162, 256, 313, 353, 369, 381, 383, 399, 405, 417,
    447, 427, 435, 413, 404, 363, 317, 251, 199, 123, 70, 29, 30, 27, 2, 0, 0, 0,
)
_SEASON_EQUATOR: Final = (
    0, 2, 38, 104, 151, 121, 171, 240, 345, 431, 453, 475, 495, 514, 531, 546, 571, 594,
    608, 589, 580, 554, 542, 525, 501, 461, 435, 348, 247, 170, 128, 155, 110, 37, 1, 0,
)
_SEASON_NORTH: Final = (
    0, 8, 83, 211, 344, 294, 331, 446, 548, 591, 627, 650, 673, 683, 711, 726, 742, 768,
    771, 742, 728, 702, 672, 641, 627, 610, 571, 480, 389, 321, 344, 345, 212, 85, 10, 0,
)
_SEASON_POLAR: Final = (
    3, 12, 59, 167, 265, 331, 412, 505, 575, 627, 659, 674, 687, 705, 703, 702, 707, 715,
    703, 686, 676, 668, 651, 650, 624, 598, 556, 506, 434, 378, 342, 279, 163, 67, 19, 6,
)
_HOUR_ANGLE: Final = (
    (0, 0, 0, 0, 1, 6, 22, 42, 64, 123, 220, 187, 139, 98, 49, 27, 13, 7, 1, 0, 0, 0, 0, 0),
    (0, 0, 0, 2, 7, 14, 28, 49, 94, 131, 190, 169, 131, 80, 48, 27, 15, 8, 4, 1, 0, 0, 0, 0),
    (0, 1, 4, 7, 13, 25, 44, 71, 119, 155, 152, 136, 101, 73, 48, 26, 13, 7, 3, 2, 1, 0, 0, 0),
    (1, 3, 5, 9, 19, 40, 62, 91, 141, 137, 122, 113, 81, 67, 48, 33, 14, 7, 4, 2, 1, 0, 0, 0),
    (2, 7, 11, 18, 28, 42, 64, 84, 101, 131, 129, 111, 81, 64, 47, 29, 19, 14, 7, 4, 3, 2, 0, 0),
)
# Minutes between successive visits of a night with two, three or four, and more visits.
_TWO: Final = (
    4.5, 5.6, 22.5, 28, 33.8, 39, 45, 51, 56.2, 60, 62.5,
    65, 67.5, 76, 84.4, 90, 95.6, 112, 129, 157, 230,
)
_SOME: Final = (
    4.0, 5.3, 5.6, 5.6, 5.7, 8, 11.2, 16, 22.5, 28, 33.8,
    39, 45, 53, 61.9, 70, 78.8, 92, 107, 135, 200,
)
_MANY: Final = (
    4.5, 5.5, 5.6, 5.6, 5.7, 8, 11.2, 14, 16.9, 22, 28,
    31, 33.8, 36, 39.4, 47, 56, 66, 79, 107, 160,
)
_GAPS: Final = (
    (0, 0), (0.05, 0.331), (0.1, 0.431), (0.15, 0.499), (0.2, 0.548), (0.25, 0.588),
    (0.3, 0.626), (0.35, 0.662), (0.4, 0.697), (0.45, 0.731), (0.5, 0.767), (0.55, 0.806),
    (0.6, 0.854), (0.65, 0.943), (0.7, 1.068), (0.75, 1.201), (0.8, 1.346), (0.85, 1.511),
    (0.9, 1.8), (0.95, 2.25), (0.97, 2.5), (0.98, 3), (0.99, 4.2), (0.995, 5.5), (1, 9),
)
# fmt: on

_VISITS: Final = {
    "zg": (
        (0.1, 135.0),
        (0.25, 219.0),
        (0.38, 304.0),
        (0.5, 330.0),
        (0.62, 357.0),
        (0.75, 481.5),
        (0.9, 627.0),
    ),
    "zr": (
        (0.1, 180.0),
        (0.25, 293.0),
        (0.38, 448.0),
        (0.5, 486.0),
        (0.62, 525.0),
        (0.75, 653.0),
        (0.9, 804.5),
    ),
    "zi": ((0.1, 2.0), (0.25, 37.0), (0.38, 54.0), (0.5, 60.5), (0.62, 67.0), (0.75, 119.5), (0.9, 181.0)),
}

ZTF_2018: Final = SurveyModel(
    survey="ztf",
    bands=("zg", "zr", "zi"),
    # Palomar, the 48-inch Samuel Oschin Telescope (Bellm et al. 2019, PASP 131, 018002).
    site=Site(longitude=-116.865, latitude=33.3563),
    fov_radius=3.5,
    mjd_start=58288.1719,
    years=1535.0 / 365.25,
    twilight=-12.0,
    airmass_limit=2.6,
    exposure_time={"zg": 30.0, "zr": 30.0, "zi": 30.0},
    reference_time=30.0,
    down_fraction=(0.32, 0.33, 0.33, 0.25, 0.21, 0.13, 0.09, 0.05, 0.05, 0.03, 0.11, 0.10),
    down_memory=0.75,
    # The five longest gaps of the log, less two nights each for the weather about them.
    stoppages=((113, 19), (630, 16), (1263, 46), (1313, 18), (1354, 26)),
    season_dec=(-20.0, 5.0, 35.0, 65.0),
    season_profile=(_SEASON_SOUTH, _SEASON_EQUATOR, _SEASON_NORTH, _SEASON_POLAR),
    gaps=_GAPS,
    nights=(
        (0.1, 194.0),
        (0.25, 285.0),
        (0.38, 382.0),
        (0.5, 414.5),
        (0.62, 447.0),
        (0.75, 522.0),
        (0.9, 608.5),
    ),
    visits_per_band=_VISITS,
    rolling=None,
    year_mean=(0.715, 0.84, 1.15, 0.69, 1.33),
    year_scatter=0.25,
    year_patch=8,
    patterns=tuple(_PATTERNS),
    pattern_weights=(tuple(float(share) for share in _PATTERNS.values()),),
    repeats_single=(1.0,),
    repeats_pair=(1.0,),
    overlap=(0.0, 0.0),
    later_visit=0.0,
    later_block=0.0,
    later=(),
    intervals={"2": _TWO, "3": _SOME, "4": _SOME, "": _MANY},
    hour_angle_dec=(-20.0, 0.0, 20.0, 40.0, 65.0),
    hour_angle=_HOUR_ANGLE,
    depth={
        "zg": DepthModel(
            zenith=21.52,
            extinction=0.9,
            moon=0.40,
            moon_high=0.95,
            moon_near=1.2,
            twilight=0.5,
            night=0.50,
            visit=0.45,
        ),
        "zr": DepthModel(
            zenith=21.176,
            extinction=0.8,
            moon=0.15,
            moon_high=0.70,
            moon_near=1.6,
            twilight=0.6,
            night=0.566,
            visit=0.54,
        ),
        "zi": DepthModel(
            zenith=20.94,
            extinction=0.7,
            moon=0.13,
            moon_high=0.35,
            moon_near=1.5,
            twilight=0.4,
            night=0.522,
            visit=0.363,
        ),
    },
    seeing=None,
)

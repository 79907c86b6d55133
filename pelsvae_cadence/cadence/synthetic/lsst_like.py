"""The numbers of the LSST-like preset.

All tables were measured for this purpose on the pointings of Rubin OpSim baseline v3.0 (ten years,
2,086,079 visits), at HEALPix nside 16 positions with 700 to 1000 visits within 1.75 deg, and are
rounded; phases of the Moon and hour angles come from `pelsvae_cadence.cadence.synthetic.almanac`.
"""

from __future__ import annotations

from typing import Final

from pelsvae_cadence.cadence.synthetic.almanac import Site
from pelsvae_cadence.cadence.synthetic.presets import DepthModel, RollingModel, SurveyModel

__all__ = ["LSST_V3", "LSST_V5_EXPOSURE_TIME", "LSST_V5_VISITS"]

# Bands of the successive passes of a block of visits.
# fmt: off
_PATTERNS: Final = (
    "u", "g", "r", "i", "z", "y",
    "ug", "ur", "gu", "gr", "ru", "rg", "ri", "ir", "iz", "zi", "zy", "yz", "yy",
    "ggr", "rri", "rrii", "iiz", "iziz", "izzy", "zzy", "zyzy", "yyyy",
)
# Chances in units of 1/1000, in twelve steps of 30 deg of the Moon's elongation from new Moon on.
# Patterns of three and more passes were lumped into kinds.
_PATTERN_WEIGHTS: Final = (
    (21, 34, 111, 37, 0, 26, 79, 70, 5, 139, 29, 21, 229, 71, 0, 0, 0, 0, 127, 3, 7, 7, 0, 0, 0,
     0, 0, 5),
    (21, 31, 116, 37, 0, 25, 70, 62, 4, 134, 17, 19, 253, 75, 0, 0, 0, 0, 137, 3, 7, 7, 0, 0, 0,
     0, 0, 5),
    (9, 16, 61, 49, 61, 29, 24, 29, 2, 62, 9, 9, 137, 46, 143, 69, 93, 11, 141, 1, 3, 2, 4, 4,
     5, 3, 3, 5),
    (0, 8, 29, 57, 122, 20, 0, 0, 0, 32, 0, 4, 60, 8, 253, 112, 189, 32, 75, 0, 1, 1, 5, 4, 5,
     4, 4, 7),
    (0, 5, 29, 49, 108, 40, 0, 0, 0, 17, 0, 3, 42, 8, 211, 89, 193, 42, 166, 0, 1, 1, 5, 4, 5,
     4, 4, 7),
    (0, 1, 17, 39, 112, 56, 0, 0, 0, 2, 0, 0, 41, 3, 179, 77, 179, 53, 241, 0, 1, 1, 5, 4, 5, 4,
     4, 7),
    (0, 1, 24, 52, 117, 38, 0, 0, 0, 2, 0, 0, 58, 6, 213, 81, 181, 35, 192, 0, 1, 1, 5, 4, 5, 4,
     4, 7),
    (0, 14, 46, 56, 116, 16, 0, 0, 0, 57, 0, 8, 144, 19, 219, 71, 137, 14, 82, 1, 3, 2, 4, 4, 5,
     3, 3, 5),
    (0, 32, 62, 49, 79, 12, 0, 0, 0, 124, 0, 24, 199, 22, 193, 47, 106, 5, 48, 1, 3, 2, 4, 4, 5,
     3, 3, 5),
    (15, 39, 91, 43, 35, 8, 47, 65, 8, 145, 28, 25, 214, 31, 117, 18, 48, 1, 22, 1, 3, 2, 4, 4,
     5, 3, 3, 5),
    (36, 29, 107, 32, 0, 8, 101, 134, 13, 131, 58, 26, 222, 59, 0, 0, 0, 0, 43, 3, 7, 7, 0, 0,
     0, 0, 0, 5),
    (29, 33, 106, 32, 0, 15, 87, 88, 9, 134, 34, 24, 243, 75, 0, 0, 0, 0, 92, 3, 7, 7, 0, 0, 0,
     0, 0, 5),
)
_SEASON: Final = (
    0, 1, 1, 2, 8, 28, 41, 80, 164, 211, 232, 243, 276, 294, 310, 320, 321, 321,
    319, 305, 280, 252, 226, 187, 135, 87, 53, 43, 41, 40, 40, 27, 14, 5, 0, 0,
)
_HOUR_ANGLE: Final = (
    (15, 23, 25, 25, 30, 32, 28, 41, 51, 61, 81, 87, 89, 93, 81, 73, 57, 42, 28, 18, 9, 6, 4, 2),
    (1, 7, 16, 24, 28, 22, 19, 29, 42, 53, 60, 57, 61, 92, 130, 132, 101, 65, 34, 15, 8, 2, 1, 0),
    (0, 1, 7, 20, 28, 21, 24, 39, 48, 37, 13, 2, 0, 7, 157, 260, 174, 93, 46, 16, 5, 1, 0, 0),
    (0, 0, 0, 7, 17, 10, 13, 29, 48, 65, 77, 84, 84, 117, 155, 138, 88, 44, 16, 5, 1, 0, 0, 0),
    (0, 0, 0, 0, 4, 4, 9, 26, 53, 91, 128, 151, 149, 135, 106, 73, 39, 20, 8, 3, 0, 0, 0, 0),
)
# Minutes between visits of one pass, between the passes of a pair, of a y pair, between blocks.
_OVERLAP: Final = (
    0.30, 0.64, 0.64, 0.64, 0.65, 0.65, 0.65, 0.66, 0.67, 1.29, 1.29,
    1.32, 1.92, 1.97, 2.58, 3.22, 4.00, 4.46, 4.51, 6.64, 12.0,
)
_PAIR: Final = (
    13.0, 16.3, 19.0, 32.5, 33.5, 34.1, 34.2, 34.2, 34.3, 34.4, 34.5,
    34.6, 34.7, 34.8, 34.9, 35.1, 35.2, 35.3, 35.5, 35.9, 40.0,
)
_Y_PAIR: Final = (
    12.0, 14.2, 14.8, 17.3, 32.2, 32.3, 32.3, 32.4, 32.5, 32.6, 32.7,
    32.8, 32.9, 33.0, 33.1, 33.2, 33.3, 33.4, 33.6, 33.9, 36.0,
)
_LATER: Final = (
    60, 65, 78, 96, 110, 137, 156, 177, 201, 210, 218, 225, 234, 249, 274, 293, 314, 333, 348, 368, 420,
)
# Gaps between observed nights against the expected ones; the upper end was adjusted until the gaps
# of the finished survey were right.
_GAPS: Final = (
    (0, 0), (0.05, 0.151), (0.1, 0.239), (0.15, 0.293), (0.2, 0.336), (0.25, 0.375),
    (0.3, 0.423), (0.35, 0.463), (0.4, 0.496), (0.45, 0.542), (0.5, 0.637), (0.55, 0.742),
    (0.6, 0.863), (0.65, 0.962), (0.7, 1.065), (0.75, 1.2), (0.8, 1.35), (0.85, 1.45),
    (0.9, 1.6), (0.95, 2.0), (0.97, 4.5), (0.98, 7), (0.99, 10), (0.995, 12), (1, 16),
)
# fmt: on

LSST_V3: Final = SurveyModel(
    survey="lsst",
    bands=("u", "g", "r", "i", "z", "y"),
    # Cerro Pachón (LSST Science Requirements; the site of rubin_scheduler's Site("LSST")).
    site=Site(longitude=-70.7494, latitude=-30.2446),
    fov_radius=1.75,
    mjd_start=60218.0018,
    years=10.0,
    twilight=-12.0,
    airmass_limit=2.4,
    exposure_time=dict.fromkeys("ugrizy", 30.0),
    reference_time=30.0,
    down_fraction=(0.08, 0.12, 0.05, 0.12, 0.17, 0.27, 0.37, 0.31, 0.24, 0.27, 0.20, 0.29),
    down_memory=0.7,
    # Two weeks in every second southern autumn, one in the others.
    stoppages=tuple((int(248 + 365.25 * year), 14 if year % 2 else 8) for year in range(20)),
    season_dec=(0.0,),
    season_profile=(_SEASON,),
    gaps=_GAPS,
    nights=((0.1, 362.0), (0.25, 373.0), (0.5, 383.0), (0.75, 393.0), (0.9, 402.0)),
    # The medians over positions; the total is also given as 837.5.
    visits_per_band={
        "u": ((0.5, 48.0),),
        "g": ((0.5, 69.0),),
        "r": ((0.5, 191.0),),
        "i": ((0.5, 196.0),),
        "z": ((0.5, 165.0),),
        "y": ((0.5, 172.0),),
    },
    rolling=RollingModel(
        mean=(93.0, 66.0, 88.5, 88.0, 90.0, 78.0, 85.0, 86.0, 81.0, 90.0, 96.0),
        contrast=(0.62, 0.62, 0.68, -0.51, 0.57, -0.58, 0.52, -0.55, 0.62, -0.53, -0.26),
        rolling_seasons=tuple(range(3, 12)),
        epoch=615.0,
    ),
    year_mean=(0.96, 0.94, 0.805, 1.0, 0.925, 0.88, 1.06, 1.01, 0.795, 1.04),
    year_scatter=0.05,
    year_patch=16,
    patterns=_PATTERNS,
    pattern_weights=_PATTERN_WEIGHTS,
    repeats_single=(0.856, 0.105, 0.010, 0.025, 0.0, 0.001, 0.0, 0.003),
    repeats_pair=(0.862, 0.138),
    overlap=_OVERLAP,
    later_visit=0.048,
    later_block=0.034,
    later=_LATER,
    intervals={"yy": _Y_PAIR, "": _PAIR},
    hour_angle_dec=(-62.0, -47.0, -30.0, -14.0, 4.0),
    hour_angle=_HOUR_ANGLE,
    # Least squares on airmass, moonlight and twilight; the zenith depths then shifted to the
    # medians over all visits.
    depth={
        "u": DepthModel(
            zenith=23.82,
            extinction=1.10,
            moon=0.2,
            moon_high=0.3,
            moon_near=0.6,
            twilight=0.8,
            night=0.22,
            visit=0.15,
        ),
        "g": DepthModel(
            zenith=24.68,
            extinction=1.27,
            moon=0.25,
            moon_high=0.60,
            moon_near=0.6,
            twilight=0.78,
            night=0.240,
            visit=0.15,
        ),
        "r": DepthModel(
            zenith=24.33,
            extinction=1.27,
            moon=0.20,
            moon_high=0.60,
            moon_near=0.84,
            twilight=0.64,
            night=0.239,
            visit=0.177,
        ),
        "i": DepthModel(
            zenith=23.85,
            extinction=1.30,
            moon=0.10,
            moon_high=0.35,
            moon_near=1.0,
            twilight=0.70,
            night=0.237,
            visit=0.169,
        ),
        "z": DepthModel(
            zenith=23.14,
            extinction=1.05,
            moon=0.0,
            moon_high=0.15,
            moon_near=0.6,
            twilight=0.46,
            night=0.221,
            visit=0.170,
        ),
        "y": DepthModel(
            zenith=22.29,
            extinction=1.22,
            moon=0.0,
            moon_high=0.05,
            moon_near=0.3,
            twilight=0.25,
            night=0.204,
            visit=0.156,
        ),
    },
    seeing=0.80,
)

# The v5 baselines expose 29 s, and 38 s in u, which leaves about a tenth fewer visits. The rest
# of the preset is v3.0: an approximation, not a measurement of a v5 run.
LSST_V5_EXPOSURE_TIME: Final = {"u": 38.0, "g": 29.0, "r": 29.0, "i": 29.0, "z": 29.0, "y": 29.0}
LSST_V5_VISITS: Final = 0.9

"""Light curves of archives: Rubin, ZTF, Gaia, OGLE, ATLAS, ASAS-SN.

Names are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.core.doors import names_on_first_use

if TYPE_CHECKING:
    from pelsvae_cadence.readers.asassn import read_asassn
    from pelsvae_cadence.readers.atlas import read_atlas
    from pelsvae_cadence.readers.front_door import READERS, read_light_curves
    from pelsvae_cadence.readers.gaia import read_gaia
    from pelsvae_cadence.readers.ogle import read_ogle
    from pelsvae_cadence.readers.rubin import read_rubin
    from pelsvae_cadence.readers.ztf import read_ztf

__all__ = [
    "READERS",
    "read_asassn",
    "read_atlas",
    "read_gaia",
    "read_light_curves",
    "read_ogle",
    "read_rubin",
    "read_ztf",
]

__getattr__ = names_on_first_use(
    __name__,
    {
        "READERS": "front_door",
        "read_asassn": "asassn",
        "read_atlas": "atlas",
        "read_gaia": "gaia",
        "read_light_curves": "front_door",
        "read_ogle": "ogle",
        "read_rubin": "rubin",
        "read_ztf": "ztf",
    },
)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

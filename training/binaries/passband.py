"""An I passband for PHOEBE, built offline from the Cousins I curve that speclite ships."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

__all__ = ["I_PASSBAND", "i_band_response", "load_phoebe"]

#: Name under which PHOEBE knows the passband.
I_PASSBAND = "OGLE:I"


def i_band_response() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Read the Cousins I curve.

    Returns
    -------
    wavelength, response : ndarray of float64, shape (n,)
        Wavelengths in Angstrom, and relative response: ``bessell-I`` of speclite (Bessell 1990,
        PASP 102, 1181).

    Raises
    ------
    InputError
        If speclite is not installed.
    """
    try:
        import speclite.filters
    except ImportError as error:
        raise InputError(
            "binary light curves need the package speclite", remedy="pip install speclite"
        ) from error
    curve = speclite.filters.load_filters("bessell-I")[0]
    return np.asarray(curve.wavelength, dtype=float), np.asarray(curve.response, dtype=float)


def load_phoebe() -> Any:
    """Import PHOEBE without network access and give it the I passband.

    The curve is ``bessell-I`` of speclite (Bessell 1990, PASP 102, 1181), intensities are those of
    blackbodies. Nothing is installed: the passband lives in this process only.

    Returns
    -------
    module
        The module ``phoebe``.

    Raises
    ------
    InputError
        If PHOEBE or speclite is not installed.
    """
    os.environ.setdefault("PHOEBE_ENABLE_ONLINE_PASSBANDS", "FALSE")
    os.environ.setdefault("PHOEBE_ENABLE_EXTERNAL_ATMS", "FALSE")
    try:
        import astropy.units as u
        import phoebe
        from phoebe.atmospheres import models, passbands
    except ImportError as error:
        raise InputError(
            f"binary light curves need the package {error.name}", remedy="Install it with: pip install phoebe"
        ) from error
    phoebe.logger(clevel="ERROR")
    if I_PASSBAND in passbands._pbtable:
        return phoebe
    response = i_band_response()
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "cousins_i.txt")
        np.savetxt(table, np.column_stack(response))
        survey, band = I_PASSBAND.split(":")
        passband = passbands.Passband(
            ptf=str(table),
            pbset=survey,
            pbname=band,
            wlunits=u.AA,
            calibrated=True,
            reference="speclite bessell-I (Bessell 1990)",
            version=1.0,
        )
        # PHOEBE announces itself on stdout, which holds results only.
        with redirect_stdout(io.StringIO()):
            passband.compute_intensities(
                models.BlackbodyModelAtmosphere(), include_mus=False, include_ld=False
            )
        saved = Path(folder, "cousins_i.fits")
        passband.save(str(saved))
        passbands._init_passband(str(saved))
        # The table keeps a path only; load the passband before the folder is gone.
        passbands.get_passband(I_PASSBAND)
    return phoebe

"""Light curves of circular binaries by full PHOEBE runs: the reference of `roche_orbits`.

They made the file ``phoebe_reference.jsonl`` of `training.validate`, through
`training.binaries.spheres.compute_orbits`.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.binaries.roche_orbits import _contact_radius, _i_band_response
from pelsvae_cadence.training.binaries.spheres import gravity_brightening, half_orbit_phases, limb_darkening
from pelsvae_cadence.training.binaries.systems import BinarySystems

FloatArray = npt.NDArray[np.float64]
#: Name under which PHOEBE knows the passband.
I_PASSBAND: Final = "OGLE:I"
_SEPARATION: Final = 10.0  # solar radii, in all runs


@contextmanager
def _aligned_spins() -> Iterator[None]:
    """Tell PHOEBE that spins and orbit are aligned.

    It compares a direction cosine with 1 exactly; rounding makes half of our aligned systems look
    misaligned and has their surfaces triangulated again at every phase.
    """
    from phoebe.backend.universe import Star

    kept = Star.is_misaligned
    Star.is_misaligned = property(lambda _: False)
    try:
        yield
    finally:
        Star.is_misaligned = kept


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
    response = _i_band_response()
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


class PhoebeOrbits:
    """PHOEBE light curves of circular binaries in I, one system after the other.

    Blackbody atmospheres, linear limb darkening, Roche geometry, synchronous rotation, no
    irradiation. Half an orbit is computed; the other half is its mirror image.

    Parameters
    ----------
    n_triangles : int
        Surface triangles per star; a contact envelope has three times as many.
    """

    def __init__(self, n_triangles: int = 300) -> None:
        self._phoebe = load_phoebe()
        self._n_triangles = n_triangles
        self._bundles: dict[bool, Any] = {}

    def _bundle(self, contact: bool) -> Any:
        if contact not in self._bundles:
            phoebe = self._phoebe
            # Constraints are solved once per system instead of after each parameter: five times
            # faster, and no impossible state between two parameters.
            phoebe.interactive_checks_off()
            phoebe.interactive_constraints_off()
            bundle = phoebe.default_binary(contact_binary=contact)
            bundle.add_dataset("lc", compute_phases=[0.0, 0.5], passband=I_PASSBAND, dataset="lc01")
            for name, value in (
                ("atm", "blackbody"),
                ("irrad_method", "none"),
                ("ld_mode", "manual"),
                ("ld_func", "linear"),
                ("ld_mode_bol", "manual"),
                ("ld_func_bol", "linear"),
                ("ld_coeffs_bol", [0.5]),
            ):
                bundle.set_value_all(name, value)
            # A blackbody light curve knows the ratios of the lengths only: separation and period
            # stay as they are, which spares PHOEBE's slowest constraints.
            bundle.set_value("sma", component="binary", context="component", value=_SEPARATION)
            self._bundles[contact] = bundle
        return self._bundles[contact]

    def __call__(self, systems: BinarySystems, row: int) -> tuple[FloatArray, FloatArray]:
        """Compute one system.

        Parameters
        ----------
        systems : BinarySystems
            The systems; only circular orbits are possible.
        row : int
            Index of the system.

        Returns
        -------
        phase, flux : ndarray of float64, shape (n,)
            Phases from 0 to 0.5, denser in eclipse, and relative fluxes.

        Raises
        ------
        InputError
            If the orbit is eccentric.
        """
        if systems.eccentricity[row] != 0:
            raise InputError("an eccentric orbit", allowed="eccentricity 0")
        contact = bool(np.isfinite(systems.fillout[row]))
        bundle = self._bundle(contact)
        phase = half_orbit_phases(systems, row)
        q = float(systems.mass_ratio[row])
        settings: list[tuple[str, str, Any]] = [
            ("q", "binary", q),
            ("incl", "binary", float(systems.inclination[row])),
        ]
        scale = _SEPARATION / float(systems.separation[row])
        if contact:
            settings.append(("requiv", "primary", _SEPARATION * _contact_radius(q, systems.fillout[row])))
        else:
            settings.append(("requiv", "primary", float(systems.radius_1[row]) * scale))
            settings.append(("requiv", "secondary", float(systems.radius_2[row]) * scale))
        for name, teff in (("primary", systems.teff_1[row]), ("secondary", systems.teff_2[row])):
            settings.append(("teff", name, float(teff)))
            settings.append(("gravb_bol", name, gravity_brightening(float(teff))))
        for parameter, component, value in settings:
            bundle.set_value(parameter, component=component, context="component", value=value)
        for name, teff in (("primary", systems.teff_1[row]), ("secondary", systems.teff_2[row])):
            bundle.set_value("ld_coeffs", component=name, dataset="lc01", value=[float(limb_darkening(teff))])
        bundle.set_value("compute_phases", dataset="lc01", context="dataset", value=phase)
        triangles = self._n_triangles * (3 if contact else 1)
        # Thin necks of contact systems need more triangles than the rest of the surface.
        for attempt in (1, 2):
            bundle.set_value_all("ntriangles", triangles * attempt)
            try:
                with _aligned_spins():
                    bundle.run_compute(overwrite=True, progressbar=False, skip_checks=True)
                break
            except (TypeError, ValueError, RuntimeError):
                if not contact or attempt == 2:
                    raise
        flux = np.asarray(bundle.get_value("fluxes", context="model"), dtype=np.float64)
        return phase, flux / flux.max()

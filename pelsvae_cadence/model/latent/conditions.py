"""What maps to the latent space are conditioned on, their kinds and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.reference_stars import PARAMETERS

__all__ = [
    "AMPLITUDE",
    "AMPLITUDE_HIDDEN",
    "AMPLITUDE_TRANSFORMS",
    "CONDITIONS",
    "MAP_KINDS",
    "LatentMapConfig",
]

#: Column of the physics that holds the amplitude.
AMPLITUDE: Final = PARAMETERS.index("amplitude_i")
#: Physical parameters that a map is conditioned on; the amplitude is the fourth column of the physics.
CONDITIONS: Final = PARAMETERS[:AMPLITUDE]
#: Kinds of maps by their names on cards and command lines.
MAP_KINDS: Final = ("linear", "forest", "mlp", "flow", "kernel-flow")
#: Hidden layers and transforms of a flow of the amplitude, which is one number and needs no more.
AMPLITUDE_HIDDEN: Final = (64, 64)
AMPLITUDE_TRANSFORMS: Final = 2


@dataclass(frozen=True, kw_only=True)
class LatentMapConfig:
    """Sizes of the map.

    Parameters
    ----------
    n_latent : int
        Latent dimensions.
    transforms : int
        Coupling transforms of the flow of z.
    hidden : int
        Width of the two hidden layers of each transform.
    bins : int
        Spline bins.
    parameters : tuple of str
        What the map is conditioned on, beside class and subtype: of `CONDITIONS`, and any others,
        which then are further columns of the physics.
    anchors : int
        Training stars that a `pelsvae_cadence.model.latent.flow.KernelFlowMap` holds.
    neighbours : int
        Number of neighbours that sets the reach of an anchor.
    width : float
        Width of the kernels about the anchors, in standard deviations: 0 repeats the training
        stars' scatter, 1 is the Gaussian of a plain flow.

    Raises
    ------
    InputError
        If there is no parameter, or the amplitude, which the map answers with.
    """

    n_latent: int = 8
    transforms: int = 5
    hidden: int = 96
    bins: int = 8
    parameters: tuple[str, ...] = CONDITIONS
    anchors: int = 0
    neighbours: int = 10
    width: float = 0.3

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        if not self.parameters or len(set(self.parameters)) < len(self.parameters):
            raise InputError(
                f"parameters of the map are {self.parameters!r}", allowed="one or more, once each"
            )
        if "amplitude_i" in self.parameters:
            raise InputError(
                "the amplitude is drawn by the map before the shape",
                remedy="Leave amplitude_i out of its parameters.",
            )
        if not 0.0 < self.width <= 1.0:
            raise InputError(f"width = {self.width}", allowed="above 0, at most 1")

    @property
    def extra(self) -> tuple[str, ...]:
        """Parameters beyond the physical ones."""
        return tuple(name for name in self.parameters if name not in CONDITIONS)

    @property
    def n_columns(self) -> int:
        """Columns of the physics, the amplitude's and further ones included."""
        return len(PARAMETERS) + len(self.extra)

    @property
    def full_columns(self) -> tuple[int, ...]:
        """Columns of the physics that the shape is drawn from: the amplitude's too."""
        return tuple(sorted({*self.columns, AMPLITUDE}))

    @property
    def columns(self) -> tuple[int, ...]:
        """Columns of the physics, in their order, that the amplitude is drawn from."""
        known = [i for i, name in enumerate(CONDITIONS) if name in self.parameters]
        return (*known, *(len(PARAMETERS) + i for i in range(len(self.extra))))

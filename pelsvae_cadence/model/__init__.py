"""The source model: weights, decoder and encoder, and the stars that it draws.

Names are imported when first used: most of this room needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.core.doors import names_on_first_use

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import ExtrapolationWarning, LightCurveModel
    from pelsvae_cadence.model.vae import Decoder, Encoder, HarmonicVAE

__all__ = ["Decoder", "Encoder", "ExtrapolationWarning", "HarmonicVAE", "LightCurveModel"]

__getattr__ = names_on_first_use(
    __name__,
    {
        "Decoder": "vae",
        "Encoder": "vae",
        "ExtrapolationWarning": "source",
        "HarmonicVAE": "vae",
        "LightCurveModel": "source",
    },
)

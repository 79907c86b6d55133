"""When, in which band and how deep a survey looks at a sky position."""

from pelsvae_cadence.cadence.visits import Visits

__all__ = ["Visits"]

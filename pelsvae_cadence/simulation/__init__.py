"""Stars meet visits: light curves of stars at the times of a survey."""

from pelsvae_cadence.simulation.simulate import noise_free_magnitudes, orbital_phase, simulate

__all__ = ["noise_free_magnitudes", "orbital_phase", "simulate"]

"""Photometry: magnitudes, colours, amplitudes, band curves and noise."""

from pelsvae_cadence.photometry.magnitudes import EXTINCTION, at_magnitude, band_amplitudes, mean_magnitudes

__all__ = ["EXTINCTION", "at_magnitude", "band_amplitudes", "mean_magnitudes"]

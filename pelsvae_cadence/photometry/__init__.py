"""Photometry: magnitudes, colours, amplitudes, band curves, noise and extinction."""

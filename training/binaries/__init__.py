"""Eclipsing and ellipsoidal binaries, simulated and real."""

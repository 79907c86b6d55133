"""Shapes of training curves: harmonic fits, completion, Miras, RR Lyrae in several bands."""

"""Nuts and bolts: arrays at the edge, files, keyed random numbers, compiled loops, errors."""

"""The open training set: its table, shapes, folded curves and sequences."""

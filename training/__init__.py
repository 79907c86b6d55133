"""From real stars to shipped weights: data sets, training, evaluation."""

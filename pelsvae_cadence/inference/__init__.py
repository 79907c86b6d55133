"""Read variable stars with the learned model: period, class and shape, with probabilities."""

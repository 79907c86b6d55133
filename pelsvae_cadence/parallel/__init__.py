"""Work in partitions: on one process, on workers, with checkpoints."""

"""From a dataset to a model folder: trainer, schedule, checkpoints, transfer, selection."""

#!/usr/bin/env python
"""Train a model: python train_model.py DATA MODEL."""

import sys

from ecg12.runtime.errors import InputError
from team_code import training_code

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(
            "usage: python train_model.py DATA MODEL\nexample: python train_model.py data model"
        )
    try:
        training_code(sys.argv[1], sys.argv[2])
    except (OSError, InputError) as error:
        sys.exit(f"train_model.py: {error}")
    print("Done.")

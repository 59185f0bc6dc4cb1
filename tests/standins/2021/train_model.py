"""Calls a submission's training as the documentation of 2021 describes it."""

import sys

from team_code import training_code

if __name__ == "__main__":
    training_code(sys.argv[1], sys.argv[2])

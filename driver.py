#!/usr/bin/env python
"""Run a trained model on recordings: python driver.py MODEL TEST OUT."""

import sys

from ecg12.runtime.errors import InputError
from team_code import drive

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python driver.py MODEL TEST OUT\nexample: python driver.py model test out")
    try:
        drive(sys.argv[1], sys.argv[2], sys.argv[3])
    except (OSError, InputError) as error:
        sys.exit(f"driver.py: {error}")
    print("Done.")

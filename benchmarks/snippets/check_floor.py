"""Read every recording of a folder and judge its quality, in one process, and no more."""

import sys

from ecg12.io.formats import find_any, read_any
from ecg12.signal.quality import assess


def main(folder: str) -> None:
    """Count the verdicts."""
    verdicts = [assess(read_any(path)).verdict for path in find_any(folder)]
    print(len(verdicts))


if __name__ == "__main__":
    main(sys.argv[1])

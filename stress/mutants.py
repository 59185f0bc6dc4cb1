"""Change a few bytes of each seed file in many ways: each mutant is read, or refused as documented.

    python -m stress.mutants [--mutants 300] [--seed 0]

Unlike `stress.fuzzing`, it needs no further package and takes minutes; `make test` runs 30 of each.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from stress.targets import CORPUS, TARGETS, run

FILES = [(name, path) for name in TARGETS for path in sorted((CORPUS / name).iterdir())]
INSERTED = list(b"0123456789.-+e/()#|, \n\r\0<>_\xff")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Change, delete, insert or repeat a few random bytes."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 8)):
        i, j = rng.integers(len(changed) or 1, size=2)
        kind = rng.integers(4)
        if kind == 0 and changed:
            changed[i] = rng.integers(256)
        elif kind == 1:
            del changed[i : i + rng.integers(1, 6)]
        elif kind == 2:
            changed[i:i] = rng.choice(INSERTED, 3).tolist()
        else:
            changed[i:i] = changed[j : j + 8]
    return bytes(changed)


def try_mutants(name: str, path: Path, folder: Path, n: int, seed: int = 0) -> list[bool]:
    """Return of each mutant of a file whether it was read; anything but a refusal is raised."""
    rng, data = np.random.default_rng(seed), path.read_bytes()
    return [run(name, mutated(data, rng), folder) for _ in range(n)]


def main() -> None:
    """Try all files; print for each how many mutants were read and refused."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--mutants", type=int, default=300)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, path in FILES:
            try:
                read = try_mutants(name, path, Path(folder), asked.mutants, asked.seed)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                print(f"{name} {path.name}: {type(error).__name__}: {error}", flush=True)
                bad += 1
            else:
                refused = len(read) - sum(read)
                print(f"{name} {path.name}: {sum(read)} read, {refused} refused", flush=True)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

"""Audit a folder as a plain script would: wfdb reads, NumPy looks at the samples."""

import hashlib
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb


def main(folder: str) -> None:
    """Count rates, lengths, codes, flat leads, missing samples, equal signals."""
    counts: Counter[str] = Counter()
    for header in sorted(Path(folder).glob("*.hea")):
        record = wfdb.rdrecord(str(header.with_suffix("")))
        signals = record.p_signal
        counts[f"{record.fs} Hz, {len(signals)} samples"] += 1
        counts["flat"] += int((np.ptp(signals, axis=0) == 0).sum())
        counts["missing"] += int(np.isnan(signals).sum())
        counts["large"] += int((np.percentile(np.abs(signals), 99, axis=0) > 5).sum())
        counts[hashlib.sha256(signals.tobytes()).hexdigest()] += 1
        for comment in record.comments:
            if comment.startswith("Dx"):
                counts.update(comment.partition(":")[2].strip().split(","))
    print(len(counts))


if __name__ == "__main__":
    main(sys.argv[1])

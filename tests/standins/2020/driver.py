"""Calls a submission's inference as the documentation of 2020 describes it.

Recordings are the `.mat` files of a flat folder, read with SciPy as float64; the header is a list
of lines with their line ends; no error is caught.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from run_12ECG_classifier import load_12ECG_model, run_12ECG_classifier

if __name__ == "__main__":
    model = load_12ECG_model(sys.argv[1])
    output = Path(sys.argv[3])
    output.mkdir(exist_ok=True)
    for path in Path(sys.argv[2]).glob("*.mat"):
        data = np.asarray(loadmat(path)["val"], dtype=np.float64)
        with path.with_suffix(".hea").open() as file:
            header = file.readlines()
        labels, scores, classes = run_12ECG_classifier(data, header, model)
        rows = (classes, map(str, labels), map(str, scores))
        text = "\n".join([f"#{path.stem}", *(",".join(row) for row in rows)]) + "\n"
        (output / f"{path.stem}.csv").write_text(text)

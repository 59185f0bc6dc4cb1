"""Calls a submission's inference as the documentation of 2021 describes it.

One model is loaded per set of leads; the header is one string, the recording the stored integers;
whatever goes wrong with a recording leaves it without classes.
"""

import sys
from pathlib import Path

from helper_code import lead_names
from scipy.io import loadmat

from team_code import load_model, run_model

if __name__ == "__main__":
    models = {}
    output = Path(sys.argv[3])
    output.mkdir(exist_ok=True)
    for path in sorted(Path(sys.argv[2]).glob("*.hea")):
        header = path.read_text()
        leads = lead_names(header)
        if leads not in models:
            models[leads] = load_model(sys.argv[1], leads)
        recording = loadmat(path.with_suffix(".mat"))["val"]
        try:
            answer = run_model(models[leads], header, recording)
        except Exception as error:
            print("failed:", path, error)
            answer = [], [], []
        rows = [",".join(map(str, row)) for row in answer]
        text = "\n".join([f"#{header.split(' ')[0]}", *rows]) + "\n"
        (output / f"{path.stem}.csv").write_text(text)

"""Training takes recordings; of arrays of numbers it says what to do first."""

import numpy as np
import pytest

from ecg12.cli.main import main


@pytest.mark.parametrize("command", ["pretrain", "finetune", "crossval", "search"])
def test_arrays_must_be_converted_first(tmp_path, make_ecg, command):
    data = tmp_path / "data"
    data.mkdir()
    np.save(data / "a.npy", make_ecg(500, 2))
    (tmp_path / "classes.csv").write_text("426783006,NSR\n164889003,AF\n")
    more = ["--classes", str(tmp_path / "classes.csv")] if command == "finetune" else []
    with pytest.raises(SystemExit, match=r"1 not read \(a\.npy\).*ecg12 convert"):
        main([command, str(data), "-o", str(tmp_path / "out"), *more])

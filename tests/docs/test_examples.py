"""The Python examples of the documents run as they are written."""

import ast
import shutil

import numpy as np
import pytest
from pages import ROOT, blocks, documents

import ecg12
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.io.outputs import write_output

EXAMPLES = {name: found for name, page in documents().items() if (found := blocks(page, "python"))}
# A training at full size: only what it imports is tried.
TOO_LONG = {"docs/guides/cross-validation.md"}
TRAINING = {"docs/guides/predict.md"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, which holds a model, labelled recordings and outputs."""
    shutil.copytree(ROOT / "tests" / "fixtures" / "model_format_1", tmp_path / "model")
    ecg12.synthesize(tmp_path / "test", 2, seed=2)
    shutil.copytree(tmp_path / "test", tmp_path / "labels")
    codes = list(load_weights(WEIGHTS).columns)
    (tmp_path / "outputs").mkdir()
    for header in (tmp_path / "labels").glob("*.hea"):
        none = [0] * len(codes)
        write_output(tmp_path / "outputs", header.stem, codes, none, none)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def given(folder):
    """Return the names that a page tells its reader to have."""
    rng = np.random.default_rng(0)
    return {
        "signals": rng.normal(0, 0.2, (8, 5000)),
        "paths": [*(folder / "test").glob("*.hea"), folder / "missing.hea"],
        "X": rng.normal(0, 0.2, (20, 12, 1000)),
        "y": np.arange(40).reshape(20, 2) % 3 == 0,
    }


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in TRAINING else ())
        for name in sorted(EXAMPLES.keys() - TOO_LONG)
    ],
)
def test_examples_run(name, folder):
    namespace = given(folder)
    for number, example in enumerate(EXAMPLES[name]):
        exec(compile(example, f"{name}, example {number + 1}", "exec"), namespace)


@pytest.mark.parametrize("name", sorted(TOO_LONG))
def test_imports_of_long_examples_are_there(name):
    imports = (ast.Import, ast.ImportFrom)
    for example in EXAMPLES[name]:
        lines = [node for node in ast.parse(example).body if isinstance(node, imports)]
        assert lines
        exec(compile(ast.Module(lines, []), name, "exec"), {})

"""The rooms of the package: imports go down only, Keras stays upstairs, doors stay thin."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    "errors",
    "extras",
    "progress",
    "files",
    "splits",
    "alone",
    "pools",
    "databases",
    "headers",
    "labels",
    "own_classes",
    "label_table",
    "records",
    "muse",
    "foreign",
    "formats",
    "audit",
    "statements",
    "signals",
    "augmentation",
    "outputs",
    "metrics",
    "cuts",
    "thresholds",
    "calibration",
    "validation",
    "archives",
    "checkpoints",
    "backend",
    "budget",
    "losses",
    "networks",
    "feeding",
    "listing",
    "dataset",
    "schedule",
    "training",
    "classifier",
    "driving",
    "transfer",
    "recipe",
    "ensembling",
    "submission",
    "crossvalidation",
    "search",
    "synthetic",
    "drawing",
    "prediction",
    "reporting",
    "commands",
    "__main__",
]
KERAS_ROOMS = {"backend", "losses", "networks", "training", "classifier", "submission", "search"}
DOORS = {
    "train_model.py": 45,
    "driver.py": 45,
    "evaluate_model.py": 45,
    "run_12ECG_classifier.py": 15,
    "train_12ECG_classifier.py": 15,
}


def room_of(path):
    return path.relative_to(ROOT / "ecg12").parts[0].removesuffix(".py")


def imported_rooms(path):
    """Name the rooms of ecg12 that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "ecg12":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecg12."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("ecg12."))


FILES = [path for path in sorted((ROOT / "ecg12").rglob("*.py")) if room_of(path) != "__init__"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    floor = FLOORS.index(room_of(path))
    rooms = set(imported_rooms(path)) - {room_of(path), "__version__"}
    assert rooms <= set(FLOORS[:floor])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_keras_and_tensorflow_stay_in_their_rooms(path):
    names = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    if room_of(path) != "backend":
        assert not names & {"tensorflow", "jax", "torch", "keras"}
    if room_of(path) not in KERAS_ROOMS:
        assert "backend" not in set(imported_rooms(path)) or room_of(path) == "commands"


@pytest.mark.parametrize("room", ["records", "signals", "outputs", "metrics", "dataset"])
def test_lower_rooms_do_not_load_tensorflow(room):
    code = f"import sys, ecg12.{room}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(("name", "most"), list(DOORS.items()))
def test_doors_hold_no_logic(name, most):
    assert len((ROOT / name).read_text().splitlines()) <= most

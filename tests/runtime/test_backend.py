"""The backend: compiled inference equals the models' own forward pass; start-up is one line."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecg12.models import ResNet
from ecg12.runtime.backend import BACKEND, absent, compiled, device, stderr_without
from ecg12.runtime.backend.quiet import check_backend
from ecg12.runtime.errors import InputError

ROOT = Path(__file__).parents[2]


def test_compiled_call_equals_the_models():
    models = [ResNet(2, 3, 1, 2).build(3, 32), ResNet(4, 5, 2, 3).build(3, 32)]
    call = compiled(models, (12, 32, 1))
    x = np.random.default_rng(0).normal(size=(5, 12, 32, 1)).astype("float32")
    expected = [np.asarray(model(x)) for model in models]
    np.testing.assert_allclose(call(x), expected, rtol=1e-5)
    np.testing.assert_allclose(call(x[:1]), np.array(expected)[:, :1], rtol=1e-5)


def test_compiled_call_follows_the_weights():
    model = ResNet(2, 3, 1, 2).build(3, 32)
    call = compiled([model], (12, 32, 1))
    x = np.ones((1, 12, 32, 1), "float32")
    call(x)
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    np.testing.assert_array_equal(call(x), np.full((1, 1, 3), 0.5))  # sigmoid of 0


@pytest.mark.parametrize("name", ["Tensorflow", "torch", ""])
def test_a_backend_that_is_not_served_is_an_error_with_the_choices(name):
    with pytest.raises(InputError, match=f"KERAS_BACKEND={name!r}; choices: tensorflow, jax"):
        check_backend(name)


def test_a_backend_that_is_not_installed_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(
        InputError, match=r"networks need jax \(KERAS_BACKEND=jax\); .*ecg12\[jax\]"
    ):
        check_backend("jax")


def test_device_line_names_the_backend():
    assert device().startswith(f"{BACKEND} on ")


def test_only_matching_lines_are_left_out(capfd):
    with stderr_without("I|W"):
        os.write(2, b"I info\nWarned\nE error: I or W\nF fatal")
    os.write(2, b"\nI after\n")
    assert capfd.readouterr().err == "E error: I or W\nF fatal\nI after\n"


def test_a_failing_block_raises_and_gives_stderr_back(capfd):
    with pytest.raises(ImportError, match="no such library"), stderr_without("I"):
        raise ImportError("no such library")
    os.write(2, b"I after\n")
    assert capfd.readouterr().err == "I after\n"


def test_an_absent_module_is_not_found_and_then_found_again(tmp_path, monkeypatch):
    (tmp_path / "gallery.py").write_text("pictures = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with absent("gallery"), pytest.raises(ImportError, match="gallery"):
        importlib.import_module("gallery")
    gallery = importlib.import_module("gallery")
    with absent("gallery"):  # loaded already
        assert importlib.import_module("gallery") is gallery
    assert sys.modules.pop("gallery").pictures == 3


@pytest.mark.slow
def test_a_start_without_gpu_says_one_line_and_a_killed_one_its_last_words():
    code = """
import os, signal, sys
from ecg12.runtime import backend
print(backend.start(0), "matplotlib" in sys.modules, flush=True)
with backend.stderr_without("I"):
    os.write(2, b"I info\\nF fatal\\n")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "tensorflow on CPU (no usable GPU) False\n"
    assert done.stderr == "F fatal\n"
    assert done.returncode == -signal.SIGKILL

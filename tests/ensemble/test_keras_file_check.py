"""Model folders from strangers: nothing in them is executed, and what they announce is checked."""

import base64
import json
import marshal
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from ecg12.ensemble import keras_file_check
from ecg12.ensemble.classifier import Classifier, Member
from ecg12.ensemble.export import export_model
from ecg12.ensemble.keras_file_check import check_archive
from ecg12.ensemble.model_folder import INDEX, load_classifier, save_classifier
from ecg12.io.classes import WEIGHTS, load_weights
from ecg12.models import CRNN, ResNet, SEResNet, swap_head
from ecg12.models.crnn import LAYOUTS, SUMMARIES
from ecg12.models.specifications import KINDS
from ecg12.runtime.backend import keras
from ecg12.runtime.errors import ModelError
from ecg12.runtime.files import sha256
from ecg12.signal.preprocessing import Preprocessing

CLASSES = load_weights(WEIGHTS)
SHORT = Preprocessing(seconds=0.4)


@pytest.fixture
def folder(tmp_path):
    """Save an ensemble of one small network; return its folder."""
    keras.utils.set_random_seed(1)
    model = ResNet(2, 3, 1, 2, p=0.5).build(27, SHORT.n_samples)
    member = Member("a", model, SHORT, thresholds=np.full(24, 0.5), validation_score=0.5)
    save_classifier(tmp_path, Classifier(CLASSES, [member]))
    return tmp_path


def rewrite(folder, change=None, files=None, compression=zipfile.ZIP_STORED):
    """Write the member anew with another configuration or other files, its checksum corrected."""
    path = next(folder.glob("*.keras"))
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    if change:
        change(config["config"]["layers"])
    content = content | {"config.json": json.dumps(config)} | (files or {})
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    index = json.loads((folder / INDEX).read_text())
    index["members"][0]["sha256"] = sha256(path)
    (folder / INDEX).write_text(json.dumps(index))
    return path


def test_an_untouched_archive_is_read(folder):
    rewrite(folder)
    assert len(load_classifier(folder).members) == 1


def test_a_compiled_network_is_let_through_and_its_optimizer_not_loaded(tmp_path):
    model = ResNet(2, 3, 1, 2).build(27)
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    model.save(tmp_path / "m.keras")
    check_archive(tmp_path / "m.keras")
    assert not keras.saving.load_model(tmp_path / "m.keras", compile=False).compiled


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        ResNet(2, 3, 1, 2, p=0.5, z=1, f=4),
        *(CRNN(2, 2, layout, summary) for layout in LAYOUTS for summary in SUMMARIES),
        SEResNet(k=4),
    ],
    ids=lambda network: network.name,
)
def test_every_kind_of_network_is_let_through_also_with_another_head(network, tmp_path):
    model = network.build(27)
    for name, one in {"own": model, "transfer": swap_head(model, 5)}.items():
        one.save(tmp_path / f"{name}.keras")
        check_archive(tmp_path / f"{name}.keras")
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras", compile=False, safe_mode=True)
        assert loaded.count_params() == one.count_params()


def test_the_kinds_above_are_all_that_there_are():
    assert set(KINDS) == {"ResNet", "CRNN", "SEResNet"}


def test_members_of_the_first_format_are_let_through():
    files = sorted((Path(__file__).parents[1] / "fixtures" / "model_format_1").glob("*.keras"))
    assert files
    for file in files:
        check_archive(file)


def code_that_makes(path):
    function = eval(f"lambda x: open({str(path)!r}, 'w') and x")  # noqa: S307
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


def attacks(mark):
    """Return name → (index of a layer, what to put into it); each would make the file `mark`."""
    lambda_function = {
        "class_name": "__lambda__",
        "config": {"code": code_that_makes(mark), "defaults": None, "closure": None},
    }
    system = {"class_name": "function", "config": "system", "module": "os"}
    command = {"command": f"touch {mark}"}
    return {
        "lambda layer": {
            "module": "keras.layers", "class_name": "Lambda",
            "config": {"name": "stem", "function": lambda_function, "arguments": {}},
        },
        "os.system": {"module": "os", "class_name": "system", "config": command},
        "a module of the project": {"module": "ecg12.runtime.files", "class_name": "write_text"},
        "keras.utils": {"module": "keras.utils", "class_name": "get_file", "config": {}},
        "registered class": {"class_name": "Custom", "registered_name": "mine>Custom"},
        "registered beside a known module": {"registered_name": "mine>Conv2D"},
        "saved model": {
            "module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": str(mark)},
        },
        "pickled torch module": {
            "module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "a"},
        },
        "layer that reads a file": {
            "module": "keras.layers", "class_name": "StringLookup",
            "config": {"vocabulary": "/etc/hostname"},
        },
        "layer that no network here has": {"module": "keras.layers", "class_name": "Embedding"},
        "layer by its inner module": {
            "module": "keras.src.layers.convolutional.conv2d", "class_name": "Conv2D",
        },
        "operation": {"module": "keras.src.ops.core", "class_name": "Map"},
        "another kind of model": {"module": "keras", "class_name": "Sequential"},
        "initializer that no network here has": {
            "config": {"kernel_initializer": {
                "module": "keras.initializers", "class_name": "Constant", "config": {},
            }},
        },
        "tensor of the graph": {"module": None, "class_name": "__tensor__"},
        "activation of another module": {"config": {"activation": system}},
        "lambda as activation": {"config": {"activation": lambda_function}},
    }  # fmt: skip


@pytest.mark.parametrize("name", attacks(""))
def test_what_would_run_code_is_refused_before_keras_sees_it(folder, name, tmp_path, monkeypatch):
    mark = tmp_path / "executed"
    attack = attacks(mark)[name]
    rewrite(folder, lambda layers: layers[1].update(attack))

    def seen(*arguments, **options):
        raise AssertionError("Keras was asked to load it")

    monkeypatch.setattr(keras.saving, "load_model", seen)
    with pytest.raises(
        ModelError,
        match=r"a-.*\.keras: names '.*', which is none of the layers",
    ):
        load_classifier(folder)
    assert not mark.exists()


@pytest.mark.parametrize(
    "files",
    [{"evil.py": "import os"}, {"../outside": "x"}, {"assets/a.bin": b"x"}],
    ids=["python", "outside", "assets"],
)
def test_other_files_in_an_archive_are_refused(folder, files):
    rewrite(folder, files=files)
    with pytest.raises(ModelError, match="holds '.*' of .* bytes; at most 0 are read"):
        load_classifier(folder)


def test_an_archive_that_unpacks_to_gigabytes_is_refused_unpacked(folder):
    path = rewrite(folder, files={"config.json": b" " * 2**25}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**18
    with pytest.raises(ModelError, match="'config.json' of 33554432 bytes; at most 16777216"):
        load_classifier(folder)


@pytest.mark.parametrize(
    "files",
    [
        {"config.json": b"{"},
        {"config.json": b"[" * 100_000},
        {"config.json": b"{}"},
        {"config.json": b"[]"},
        {"model.weights.h5": b""},
        {"model.weights.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100},
    ],
    ids=["half", "deep", "empty", "list", "no weights", "damaged weights"],
)
def test_damaged_archives_are_model_errors(folder, files):
    rewrite(folder, files=files)
    with pytest.raises(ModelError, match=r"a-.*\.keras: "):
        load_classifier(folder)


@pytest.mark.parametrize("data", [b"", b"PK\5\6" + b"\0" * 18, b"not an archive"])
def test_what_is_no_archive(tmp_path, data):
    (tmp_path / "m.keras").write_bytes(data)
    with pytest.raises(ModelError, match=r"m\.keras: not a Keras archive"):
        check_archive(tmp_path / "m.keras")


def test_an_archive_with_one_wrong_bit_is_refused_or_let_through(tmp_path):
    """Bits that damage the compressed data, or name encrypted entries or places before the file."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps({"name": "ecg " * 40}))
    data = path.read_bytes()
    for place in range(len(data)):
        for bit in range(8):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
            with suppress(ModelError):
                check_archive(path)


def test_a_network_beyond_the_memory_is_a_model_error(folder):
    def enlarge(layers):
        layers[-1]["config"]["units"] = 10**12

    rewrite(folder, enlarge)
    with pytest.raises(ModelError, match="a layer of 1000000000000 units; 1 to 65536 are read"):
        load_classifier(folder)


def layer(layers, kind):
    return next(one for one in layers if one["class_name"] == kind)


def in_config(kind, **changes):
    return lambda layers: layer(layers, kind)["config"].update(changes)


def built_for(kind, shape, **changes):
    def change(layers):
        found = layer(layers, kind)
        found["build_config"] = shape and {"input_shape": shape}
        found["config"].update(changes)

    return change


def many(layers):
    """Add 300 layers of 1000 x 1000 weights, each of which is small enough."""
    one = json.loads(json.dumps(layer(layers, "Dense")))
    one["build_config"] = {"input_shape": [None, 1000]}
    layers += [one | {"name": f"d{i}", "config": one["config"] | {"units": 1000}}
               for i in range(300)]  # fmt: skip


SIZES = {
    "kernel": (in_config("Conv2D", kernel_size=[12, 10**6]), "kernel_size 1000000; 1 to 1024"),
    "kernel of no number": (in_config("Conv2D", kernel_size=["9"]), "kernel_size 9"),
    "stride": (in_config("MaxPooling2D", strides=[1, 10**6]), "strides 1000000; 1 to 1024"),
    "pool": (in_config("MaxPooling2D", pool_size=10**9), "pool_size 1000000000; 1 to 1024"),
    "input": (in_config("InputLayer", batch_shape=[None, 10**6, 64, 1]), "batch_shape"),
    "reshape": (in_config("Flatten", target_shape=[-1, 2**21, 4]), "target_shape"),
    "product": (
        built_for("Conv2D", [None, 12, 100, 4096], filters=65536, kernel_size=[1, 1]),
        # (4096 + 1) * 65536 weights
        "layers of 268500992 weights; at most 268435456",
    ),
    "dense": (built_for("Dense", [None, 2**22], units=2**10), r"layers of 42949\d{5} weights"),
    "no shape": (
        built_for("Dense", None),
        "Dense: a layer that does not say the shape of its input",
    ),
    "a negative shape": (built_for("Dense", [None, -5]), "input_shape"),
    "less than nothing": (built_for("Conv2D", [None, 12, 100, -1], filters=65536), "input_shape"),
    "together": (many, r"layers of 2\d{8} weights; at most 268435456"),
}


@pytest.mark.parametrize("name", SIZES)
def test_layers_that_would_fill_the_memory_are_refused_before_keras_sees_them(folder, name):
    change, message = SIZES[name]
    path = rewrite(folder, change)
    with pytest.raises(ModelError, match=message) as caught:
        check_archive(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_weights_that_are_counted_are_those_that_keras_makes(folder, monkeypatch):
    path = next(folder.glob("*.keras"))
    made = keras.saving.load_model(path, compile=False).count_params()
    monkeypatch.setattr(keras_file_check, "MOST_WEIGHTS", made)
    check_archive(path)
    monkeypatch.setattr(keras_file_check, "MOST_WEIGHTS", made - 1)
    with pytest.raises(ModelError, match=f"layers of {made} weights"):
        check_archive(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(folder, value):
    classifier = load_classifier(folder)
    stem = classifier.members[0].model.get_layer("stem")
    kernel, bias = stem.get_weights()
    kernel.flat[3] = value
    stem.set_weights([kernel, bias])
    save_classifier(folder, classifier)
    with pytest.raises(ModelError, match="weights that are no finite numbers"):
        load_classifier(folder)


def test_an_export_names_a_damaged_index(folder, tmp_path):
    index = json.loads((folder / INDEX).read_text())
    index["members"][0]["thresholds"] = [[1, 2], [1]]
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match="^" + re.escape(f"{folder / INDEX}: ")):
        export_model(folder, tmp_path / "exported")


def test_an_index_that_is_a_bomb_of_brackets(folder):
    (folder / INDEX).write_text("[" * 200_000)
    with pytest.raises(ModelError.__mro__[1], match="not a JSON file"):
        load_classifier(folder)

"""Write a model as one ONNX graph, with which predictions need no Keras and start in a second.

The folder is a model folder like any other, whose index has thresholds, calibration and
preprocessing. Exported into the model's own folder, the graph is added to its members.
"""

import argparse

from ecg12.cli.arguments import input_folder, output_folder


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "model",
        nargs="?",
        type=input_folder,
        default="model",
        help="model folder (default %(default)s)",
    )
    command.add_argument(
        "-o", "--output", type=output_folder, required=True, metavar="FOLDER", help="model folder"
    )


def run(options: argparse.Namespace) -> None:
    """Export, and say where the graph is."""
    from ecg12.ensemble.export import export_model

    file = export_model(options.model, options.output)
    print(
        f"{file}: {file.stat().st_size / 1e6:.1f} MB; ecg12 predict FILE --model {options.output}"
    )

"""Score a classifier's outputs as the PhysioNet/CinC Challenges of 2020 and 2021 do.

    python evaluate_model.py labels outputs [scores.csv [class_scores.csv]]

`labels` is a folder of headers, `outputs` one of output files. The table of weights beside this
script decides the year whose rules hold. Scores go to the files given, or else to the terminal.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ecg12.cli.arguments import input_folder, output_file
from ecg12.cli.main import Parser
from ecg12.io.classes import load_weights
from ecg12.metrics import evaluate_folders
from ecg12.runtime.errors import file_error
from ecg12.runtime.files import write_text
from ecg12.runtime.interrupts import end_on_signals
from ecg12.runtime.progress import log_to
from ecg12.runtime.terminal import prepare_streams

NAME = "evaluate_model.py"
WEIGHTS = Path(__file__).with_name("weights.csv")


def main(arguments: Sequence[str] | None = None, weights: Path = WEIGHTS) -> None:
    """Evaluate by the command line's arguments; print or write the scores."""
    prepare_streams()
    parser = Parser(prog=NAME, description="Score outputs by the challenges' rules.")
    parser.add_argument(
        "labels", type=input_folder, help="folder of headers (.hea) with the true diagnoses"
    )
    parser.add_argument("outputs", type=input_folder, help="folder of output files (.csv)")
    for name, text in (
        ("scores", "file for the scores; printed without it"),
        ("class_scores", "file for the scores of each class"),
    ):
        parser.add_argument(name, nargs="?", type=output_file, help=text)
    paths = parser.parse_args(arguments)
    if paths.class_scores and paths.scores.resolve() == paths.class_scores.resolve():
        parser.error(f"{paths.class_scores}: both tables of scores; name another file for one")
    log_to(sys.stderr, logging.WARNING)
    try:
        evaluation = evaluate_folders(paths.labels, paths.outputs, load_weights(weights))
        if paths.scores is None:
            print(evaluation.table())
        else:
            write_text(paths.scores, evaluation.table())
        if paths.class_scores is not None:
            write_text(paths.class_scores, evaluation.class_table())
        sys.stdout.flush()
    except OSError as error:
        sys.exit(f"{NAME}: {file_error(error)}")
    except ValueError as error:
        sys.exit(f"{NAME}: {error}")


if __name__ == "__main__":
    end_on_signals(NAME)
    main()

"""Score outputs beside the best constant prediction; write a page, or compare two runs."""

import argparse
from typing import TYPE_CHECKING

from ecg12.cli.arguments import input_file, input_folder, output_folder, seed, whole
from ecg12.cli.options import add_classes, chosen_classes

if TYPE_CHECKING:
    from ecg12.io.classes import ScoredClasses
    from ecg12.report import Model, Study

MOST_REPLICATES = 1_000_000
SHOWN = ("AUROC difference", "AUPRC difference", "F-measure difference")  # of a comparison


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "labels", type=input_folder, help="folder of headers with the true diagnoses"
    )
    command.add_argument("outputs", type=input_folder, help="folder of output files")
    command.add_argument(
        "--against", type=input_folder, metavar="OUTPUTS", help="another run, to compare with"
    )
    command.add_argument(
        "-o", "--output", type=output_folder, help="folder for the page, its figures and tables"
    )
    command.add_argument(
        "--model",
        type=input_folder,
        help="model folder; adds thresholds and calibration, and "
        "shows what the worst misses rest on",
    )
    command.add_argument(
        "--patients",
        type=input_file,
        metavar="TABLE",
        help="csv with the columns recording and patient",
    )
    add_classes(command)
    command.add_argument(
        "--replicates",
        type=whole(2, MOST_REPLICATES),
        default=2000,
        help="of the bootstrap (default %(default)s)",
    )
    command.add_argument("--seed", type=seed, default=0, help="same seed, same intervals")
    command.add_argument(
        "--misses", type=whole(0), default=6, help="recordings to draw (default %(default)s)"
    )
    command.add_argument(
        "--no-signals", action="store_true", help="no scores by signal quality and heart rate"
    )


def run(options: argparse.Namespace) -> None:
    """Print the scores; write and compare what is asked for."""
    from ecg12.metrics import find_headers, read_predictions, summarise
    from ecg12.runtime.errors import InputError

    classes = chosen_classes(options)
    if not (options.output or options.against):
        headers = find_headers(options.labels, first_only=True)
        print(summarise(*read_predictions(headers, options.outputs, classes), classes))
        return
    if not classes.has_normal:
        raise InputError(
            f"{options.classes or options.weights}: pages and comparisons need the challenge "
            "metric, which is not defined without sinus rhythm (426783006)"
        )
    from ecg12.report import difference_tables, write_report

    model = _model(options.model, classes) if options.model else None
    study = _study(options, classes)
    results = study.runs[0].results
    print(summarise(results.y_true, results.y_pred, results.y_score, classes))
    print(f"\nChallenge metric, 95 % interval: {study.runs[0].overall['Challenge metric']}")
    if options.against:
        overall, per_class = difference_tables(study)
        print(f"\n{options.outputs} less {options.against}\n{overall.text()}\n")
        print(per_class.text("class", "true", *SHOWN, "AUROC moved"))
    if options.output:
        folders = options.output, options.labels
        page = write_report(
            *folders,
            study,
            model=model,
            n_misses=options.misses,
            with_signals=not options.no_signals,
        )
        print(f"\nPage: {page.resolve()}")


def _study(options: argparse.Namespace, classes: "ScoredClasses") -> "Study":
    from ecg12.report import measure, read_patient_numbers, read_results

    folders = [options.outputs, *([options.against] if options.against else [])]
    runs = [read_results(options.labels, folder, classes) for folder in folders]
    patients = None
    if options.patients:
        patients = read_patient_numbers(options.patients, options.labels, runs[0])
    return measure(runs, patients, options.replicates, options.seed)


def _model(folder: str, classes: "ScoredClasses") -> "Model":
    import numpy as np

    from ecg12.ensemble.model_folder import load_classifier
    from ecg12.explanation import explain
    from ecg12.inference.model import Model as Answering
    from ecg12.report import Model
    from ecg12.runtime.errors import InputError

    classifier = load_classifier(folder)
    if classifier.classes.groups != classes.groups:
        raise InputError(
            f"{folder}: its classes {', '.join(classifier.classes.names)} are not those scored: "
            f"{', '.join(classes.names)}"
        )
    members = classifier.members
    thresholds = np.array([member.thresholds for member in members])
    names = tuple(member.name for member in members)
    answering = Answering(classifier)
    return Model(
        names,
        thresholds,
        classifier.calibration,
        lambda record, name: explain(answering, record, [name])[name],
    )

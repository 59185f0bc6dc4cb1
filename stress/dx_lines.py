"""Diagnoses written in many ways, scored as the official evaluation programs score them.

    python -m stress.dx_lines [--official-2020 FOLDER --official-2021 FOLDER [--freeze]]

Each seed draws the codes of 120 recordings and writes their headers with mutated Dx lines, in three
groups: ways that both official programs read; several lines, which the program of 2021 collects
(that of 2020 gives the second one to the next recording); and ways that neither reads. What a
program cannot read as it stands, it is given with the same codes on one plain line. Our scores must
be the official ones, to three decimals.

The answers of the programs for the first seeds are frozen in `tests/fixtures/dx_lines.json`. With
folders of `evaluate_12ECG_score.py` and `evaluate_model.py` (repositories `evaluation-2020` and
`evaluation-2021` of physionetchallenges) any number of seeds is compared.
"""

import argparse
import json
import logging
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ecg12.io.classes import load_weights
from ecg12.metrics import evaluate_folders

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
FROZEN = FIXTURES / "dx_lines.json"
WEIGHTS = {2020: ROOT / "weights.csv", 2021: FIXTURES / "eval_cases_weights_2021.csv"}
PROGRAMS = {2020: "evaluate_12ECG_score.py", 2021: "evaluate_model.py"}
YEARS = tuple(PROGRAMS)
SEEDS = 8  # that are frozen
UNSCORED = ("164861001", "55930002", "999999999", "Unknown")
MOST_CODES = 4

Lines = list[str]
Way = Callable[[Sequence[str], random.Random], Lines]


def pick(rng: random.Random, values: Sequence[str]) -> str:
    """Draw one value, the same one in every version of Python."""
    return values[int(rng.random() * len(values))]


def halves(codes: Sequence[str], rng: random.Random) -> tuple[Sequence[str], Sequence[str]]:
    """Divide codes in two, one of which may be empty."""
    cut = int(rng.random() * (len(codes) + 1))
    return codes[:cut], codes[cut:]


def plain(codes: Sequence[str], _: random.Random) -> Lines:
    """Return the line of the challenge's archives."""
    return [f"#Dx: {','.join(codes)}"]


def spaced(codes: Sequence[str], rng: random.Random) -> Lines:
    """Put blanks and tabs around codes."""
    blanks = ("", " ", "   ", "\t", " \t ")
    return ["#Dx: " + ",".join(f"{pick(rng, blanks)}{c}{pick(rng, blanks)}" for c in codes)]


def doubled(codes: Sequence[str], rng: random.Random) -> Lines:
    """Repeat a code."""
    return [f"#Dx: {','.join([*codes, *(codes and [pick(rng, codes)])])}"]


# Ways that a program reads as they stand; in all of them the codes are the same set.
BOTH: dict[str, Way] = {
    "plain": plain,
    "spaced": spaced,
    "doubled": doubled,
    "trailing comma": lambda codes, _: [f"#Dx: {','.join(codes)},"],
    "leading comma": lambda codes, _: [f"#Dx: ,{','.join(codes)}"],
    "empty entries": lambda codes, _: [f"#Dx: {',, ,'.join(codes)}, ,"],
    "longer key": lambda codes, _: [f"#Dx (SNOMED CT): {','.join(codes)}"],
    "a word behind": lambda codes, _: [f"#Dx: {','.join(codes)}: reviewed"],
}  # fmt: skip
LATE: dict[str, Way] = {
    "two lines": lambda codes, rng: [line for h in halves(codes, rng) for line in plain(h, rng)],
    "a line each": lambda codes, _: [f"#Dx: {code}" for code in codes],
    "with an empty line": lambda codes, rng: ["#Dx: ", *plain(codes, rng), "#Dx:"],
    "the same twice": lambda codes, rng: [*plain(codes, rng), *spaced(codes, rng)],
    "between other comments": lambda codes, rng: [
        *plain(halves(codes, rng)[0], rng), "#Hx: 164889003", *plain(codes, rng)
    ],
    "no line": lambda codes, rng: plain(codes, rng) if codes else [],
}  # fmt: skip
NEITHER: dict[str, Way] = {
    "no blank": lambda codes, _: [f"#Dx:{','.join(codes)}"],
    "a tab": lambda codes, _: [f"#Dx:\t{','.join(codes)}"],
    "blank before": lambda codes, _: [f"# Dx: {','.join(codes)}"],
    "tab before": lambda codes, _: [f"#\tDx: {','.join(codes)}"],
    "blank between": lambda codes, _: [f"#Dx : {','.join(codes)}"],
    "indented": lambda codes, _: [f"  #Dx: {','.join(codes)}"],
    "capitals": lambda codes, _: [f"#DX: {','.join(codes)}"],
    "small letters": lambda codes, _: [f"#dx: {','.join(codes)}"],
    "several": lambda codes, rng: [
        f"# DX:{','.join(halves(codes, rng)[0])}", f"#dX\t:\t{' , '.join(codes)} ,"
    ],
}  # fmt: skip
GROUPS = {"both": BOTH, "late": LATE, "neither": NEITHER}
LINE_ENDS = ("\n", "\r\n", "\r")


def draw(seed: int, stems: Iterable[str], group: str) -> Iterator[tuple[str, list[str], str]]:
    """Draw codes and a header for each recording.

    Yields
    ------
    stem, codes, header
        The header's text has no signals and Dx lines of one of the group's ways.
    """
    rng = random.Random(seed)
    scored = load_weights(WEIGHTS[2021]).columns + load_weights(WEIGHTS[2020]).columns
    ways = list(GROUPS[group].values())
    for number, stem in enumerate(stems):
        n = int(rng.random() * (MOST_CODES + 1))
        codes = [pick(rng, UNSCORED if rng.random() < 0.1 else scored) for _ in range(n)]
        lines = ways[number % len(ways)](codes, rng)
        end = pick(rng, LINE_ENDS)
        text = [f"{stem} 12 500 5000", "#Age: 61", "#Sex: Male", *lines, "#Rx: Unknown", ""]
        yield stem, codes, end.join(text)


def write_headers(folder: Path, headers: Iterable[tuple[str, str]]) -> Path:
    """Write one header each, byte by byte; return the folder."""
    folder.mkdir(parents=True)
    for stem, text in headers:
        (folder / f"{stem}.hea").write_bytes(text.encode())
    return folder


def unpack_outputs(place: Path) -> Path:
    """Unpack the outputs that all are scored with; return their folder."""
    with tarfile.open(FIXTURES / "eval_cases.tar.xz") as archive:
        archive.extractall(place, filter="data")
    return place / "eval_cases" / "random" / "outputs"


def own_scores(labels: Path, outputs: Path, year: int) -> str:
    """Return our scores, as the official programs write them."""
    return evaluate_folders(labels, outputs, load_weights(WEIGHTS[year])).table()


def labels_of(place: Path, outputs: Path, seed: int, group: str) -> Path:
    """Write the mutated headers of a seed below a folder; return where."""
    stems = sorted(path.stem for path in outputs.iterdir())
    drawn = draw(seed, stems, group)
    return write_headers(place / f"{group}{seed}", ((stem, text) for stem, _, text in drawn))


def official_scores(program: Path, place: Path, outputs: Path, seed: int, group: str) -> str:
    """Return the scores of an official program, which is run where its table of weights lies."""
    stems = sorted(path.stem for path in outputs.iterdir())
    as_it_stands = group == "both" or (group == "late" and program.name == PROGRAMS[2021])
    headers = [
        (stem, text if as_it_stands else f"{stem} 12 500 5000\n#Dx: {','.join(codes)}\n")
        for stem, codes, text in draw(seed, stems, group)
    ]
    with tempfile.TemporaryDirectory(dir=place) as folder:
        labels = write_headers(Path(folder) / "labels", headers)
        scores = Path(folder) / "scores.csv"
        command = [sys.executable, program.name, str(labels), str(outputs), str(scores)]
        subprocess.run(command, cwd=program.parent, check=True, capture_output=True)
        return scores.read_text(encoding="utf-8").strip()


def compare(seeds: int, official: dict[int, Path] | None, place: Path) -> list[dict[str, object]]:
    """Score every seed and group of both years; return the official answers.

    Raises
    ------
    AssertionError
        If one of ours differs; the message has both.
    """
    outputs, answers = unpack_outputs(place), []
    frozen = {} if official else read_frozen()
    for seed in range(seeds):
        for group in GROUPS:
            labels = labels_of(place, outputs, seed, group)
            for year in YEARS:
                ours = own_scores(labels, outputs, year)
                if official:
                    theirs = official_scores(official[year], place, outputs, seed, group)
                else:
                    theirs = frozen[seed, group, year]
                if ours != theirs:
                    raise AssertionError(f"seed {seed}, {group}, {year}:\n{ours}\nnot\n{theirs}")
                answers.append({"seed": seed, "group": group, "year": year, "scores": theirs})
    return answers


def read_frozen() -> dict[tuple[int, str, int], str]:
    """Return the frozen answers by seed, group and year."""
    rows = json.loads(FROZEN.read_text(encoding="utf-8"))
    return {(row["seed"], row["group"], row["year"]): row["scores"] for row in rows}


def main() -> None:
    """Compare; freeze the answers if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for year in YEARS:
        parser.add_argument(f"--official-{year}", type=Path, help=f"folder of {PROGRAMS[year]}")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="(default %(default)s)")
    parser.add_argument("--freeze", action="store_true", help=f"write {FROZEN.name}")
    options = parser.parse_args()
    folders = {year: getattr(options, f"official_{year}") for year in YEARS}
    logging.disable()  # of headers without a diagnosis
    official = None
    if all(folders.values()):
        official = {year: folders[year] / PROGRAMS[year] for year in YEARS}
    with tempfile.TemporaryDirectory() as place:
        answers = compare(options.seeds, official, Path(place))
    if options.freeze and official:
        FROZEN.write_text(json.dumps(answers, indent=0) + "\n", encoding="utf-8")
    source = "the programs" if official else "frozen answers"
    print(f"{len(answers)} scores of mutated Dx lines, all equal to those of {source}")


if __name__ == "__main__":
    main()

"""Fuzz the parsers of what strangers send: headers, clinical formats, output tables.

    python -m stress.fuzzing [NAME of a target in `stress.targets` ...] [--seconds 600]

Coverage-guided (libFuzzer through atheris, which `pip install ecg12[stress]` brings), each parser
for ten minutes from the seeds in `tests/corpus`. An input ends the campaign if it raises anything
but the documented error, breaks a promise of `stress.targets`, takes longer than 10 s (`--longest`,
for a machine that others use) or more than 1 GB. Then the inputs that it found are run once more
under `coverage`, and it prints executions and the share of the parser's lines that they reach.
"""

import argparse
import logging
import os
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from stress.targets import CORPUS, ROOT, TARGETS

LIMITS = ["-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=0"]


def inside(name: str, folder: Path) -> None:
    """Be the fuzzed process: hand every input of libFuzzer to the target."""
    import atheris

    logging.disable()  # thousands of warnings, which would hide why it ended
    with atheris.instrument_imports(include=["ecg12"]):
        for module in [
            name for name in sys.modules if name.startswith(("ecg12", "stress.targets"))
        ]:
            del sys.modules[module]
        from stress.targets import run
    for seed in (CORPUS / name).iterdir():  # so that no input pays for imports
        run(name, seed.read_bytes(), folder)

    def fuzzed(data: bytes) -> None:
        try:
            run(name, data, folder)
        except BaseException:
            traceback.print_exc()
            os.abort()  # libFuzzer writes the input; an exception would end Python before

    atheris.Setup([sys.argv[0], *sys.argv[sys.argv.index("--") + 1 :]], fuzzed)
    atheris.Fuzz()


def fuzz(name: str, seconds: int, longest: int, work: Path) -> tuple[int, str]:
    """Fuzz one target; return the number of executions and what went wrong, or nothing."""
    found = work / name
    found.mkdir()
    options = [f"-max_total_time={seconds}", f"-max_len={TARGETS[name][3]}", *LIMITS]
    options.append(f"-timeout={longest}")
    options += [f"-artifact_prefix={work}/failed-{name}-", str(found), str(CORPUS / name)]
    command = [sys.executable, "-m", "stress.fuzzing", name, "--inside", str(work), "--", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    counted = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    wrong = ""
    if done.returncode or not counted:
        wrong = f"status {done.returncode}: {done.stderr[-3000:]}"
    return int(counted[1]) if counted else 0, wrong


def lines_reached(name: str, folder: Path, work: Path) -> str:
    """Run all inputs found and all seeds under coverage; return covered lines of the parser."""
    command = [sys.executable, "-m", "coverage", "run", f"--data-file={work}/.coverage"]
    module = TARGETS[name][2]
    pattern = f"{module}/*" if not module.endswith(".py") else module
    command += [f"--include={ROOT}/{pattern}", "-m", "stress.fuzzing", name, "--replay"]
    subprocess.run([*command, str(folder)], cwd=ROOT, check=True, capture_output=True)
    report = [sys.executable, "-m", "coverage", "report", f"--data-file={work}/.coverage"]
    done = subprocess.run(report, cwd=ROOT, check=True, capture_output=True, text=True)
    lines, missed, share = done.stdout.split()[-3:]
    return f"{int(lines) - int(missed)} of {lines} lines ({share})"


def replay(name: str, folder: Path) -> tuple[int, int]:
    """Run every file of a folder and every seed; return how many were read, and how many tried."""
    from stress.targets import run

    logging.disable()  # wrong checksums are logged, thousands of times
    files = sorted([*folder.iterdir(), *(CORPUS / name).iterdir()])
    with tempfile.TemporaryDirectory() as work:
        read = sum(run(name, path.read_bytes(), Path(work)) for path in files)
    return read, len(files)


def main() -> None:
    """Fuzz the targets named, one after the other, and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", default=list(TARGETS), help="default: all")
    parser.add_argument("--seconds", type=int, default=600, help="each (default %(default)s)")
    parser.add_argument("--longest", type=int, default=10, help="s of one (default %(default)s)")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--replay", type=Path, help=argparse.SUPPRESS)
    own = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    options = parser.parse_args(own)
    if options.inside:
        inside(options.targets[0], options.inside)
    elif options.replay:
        replay(options.targets[0], options.replay)
    else:
        sys.exit(campaign(options.targets, options.seconds, options.longest))


def campaign(targets: list[str], seconds: int, longest: int) -> int:
    """Return how many targets failed."""
    failures = 0
    memory = Path("/dev/shm")  # noqa: S108
    place = memory if os.access(memory, os.W_OK) else None
    for name in targets:
        with tempfile.TemporaryDirectory(dir=place) as folder:
            work = Path(folder)
            executions, wrong = fuzz(name, seconds, longest, work)
            failures += bool(wrong)
            for path in work.glob("failed-*"):
                print(f"{name}: {path.name}: {path.read_bytes()!r}")
            read, tried = replay(name, work / name) if not wrong else (0, 0)
            reached = lines_reached(name, work / name, work) if not wrong else "not measured"
            print(
                f"{name}: {executions} executions in {seconds} s, {tried} inputs kept, "
                f"{read} of them read; {reached} of {TARGETS[name][2]}; {wrong or 'no failure'}",
                flush=True,
            )
    return failures


if __name__ == "__main__":
    main()

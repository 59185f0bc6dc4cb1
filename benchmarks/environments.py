"""Peers in throw-away environments: made from the package index, asked by small scripts.

A script of `snippets` runs in a peer's environment and knows nothing of ecg12; it prints one line
of JSON. Nothing of a peer is installed beside ecg12, and none of its code is in the repository.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.setting import ROOT, Setting, SkippedError
from benchmarks.timing import Times, in_turn, run

# Requirements of each peer; torch without CUDA where pip knows such a build.
PEERS = {
    "torch-ecg": ("torch-ecg>=0.0.33,<0.1", "torch<2.14"),
    "tsai": ("tsai>=1.0,<2", "torch<2.14"),
    "neurokit2": ("neurokit2>=0.2.10,<0.3",),
}
TURNS = 3


def environment(setting: Setting, peer: str) -> Path:
    """Return the Python of a peer's environment, made if missing.

    Raises
    ------
    SkippedError
        If none may be made, or the installation fails.
    """
    folder = setting.work / "environments" / peer
    python, made = folder / "bin" / "python", folder / "made"
    if made.is_file():
        return python
    if not setting.peers:
        raise SkippedError("peers are not asked for (--no-peers)")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-compile"]
    try:
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        run([*pip, *PEERS[peer]])
    except RuntimeError as error:
        raise SkippedError(f"{peer} cannot be installed: {error}") from error
    made.touch()
    return python


def ask(setting: Setting, peer: str, snippet: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Run a script in a peer's environment and return its answer, the last line that it prints."""
    python = environment(setting, peer)
    script = ROOT / "benchmarks" / "snippets" / f"{snippet}.py"
    said = run([str(python), str(script), *arguments])
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def in_rounds(
    setting: Setting,
    peer: str,
    snippet: str,
    arguments: Sequence[str],
    ours: Callable[[], object],
) -> tuple[Times, Times]:
    """Time our call, and a script that times itself, in turns.

    Returns
    -------
    tuple of Times
        Ours and the peer's, as many rounds of each.
    """
    rounds = max(setting.rounds // TURNS, 1)
    mine, theirs = Times((), ()), Times((), ())
    for _ in range(TURNS):
        [once] = in_turn([ours], rounds)
        mine = Times(mine.wall + once.wall, mine.processor + once.processor)
        answer = ask(setting, peer, snippet, [*arguments, str(rounds)])
        wall, processor = tuple(answer["wall"]), tuple(answer["processor"])
        theirs = Times(theirs.wall + wall, theirs.processor + processor)
    return mine, theirs

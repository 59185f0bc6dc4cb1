"""The documents and what they contain: code blocks, commands, links."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^(?: {4}.*)\n)+", re.MULTILINE)


def documents():
    """Return every page that is kept in the repository, by its path below the root."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("reports/*.md")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in pages}


def blocks(page, language):
    """Return the fenced blocks of a language on a page."""
    return [text for kind, text in BLOCK.findall(page) if kind == language]


def command_lines(page):
    """Return (command, words) for each call of `ecg12` in a page's blocks and code spans."""
    shell = blocks(page, "sh") + INDENTED.findall(BLOCK.sub("", page))
    lines = "\n".join(shell).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`((?:python -m )?ecg12 [a-z][^`]*)`", page)
    for line in lines:
        if called := re.match(r" *(?:python -m )?ecg12 +(.+)", line):
            command, *words = shlex.split(re.sub(r"[\[\]|]", " ", called[1]), comments=True)
            yield command, words

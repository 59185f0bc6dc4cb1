"""What `mkdocs build` does besides: commands from their parsers, lab reports, no outside assets."""

import argparse
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
COMMANDS = "<!-- commands -->"
# What makes a browser load something from another host (Mermaid diagrams load their script).
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|link)\b[^>]*?(?:src|href)=["']?(?:https?:)?//"""
    r"""|@import\s+(?:url\()?["']?(?:https?:)?//|url\(["']?(?:https?:)?//|class="mermaid"""
)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the lab reports, which lie beside `docs/`, as pages of the site."""
    for path in sorted(path for path in (ROOT / "reports").rglob("*") if path.is_file()):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path.absolute())))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links that are right in the repository into those of the site; list the commands."""
    if page.file.src_uri.startswith("reports/"):
        markdown = markdown.replace("](../docs/", "](../")
    else:
        markdown = re.sub(r"\]\(\.\./((?:\.\./)*)reports/", r"](\1reports/", markdown)
    return markdown.replace(COMMANDS, command_reference()) if COMMANDS in markdown else markdown


def on_post_build(config: Any, **_: Any) -> None:
    """Fail if a page or style sheet loads anything from another host."""
    site = Path(config.site_dir)
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        if found := LOADED.search(path.read_text(encoding="utf-8")):
            raise PluginError(f"{path}: loads something from another host: {found[0]}")


def command_reference() -> str:
    """Return a section for each command, as its parser describes it."""
    from ecg12.cli import COMMANDS
    from ecg12.cli.main import parser

    return "\n".join(f"## {name}\n\n{described(only(parser(name)))}" for name in COMMANDS)


def only(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser of the one command that a parser knows."""
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    (command,) = commands.choices.values()
    return command


def described(parser: argparse.ArgumentParser) -> str:
    """Return a command's description, usage and arguments in Markdown."""
    usage = parser.format_usage().removeprefix("usage: ").strip()
    lines = [parser.description or "", "", "```text", usage, "```", "", "| argument | meaning |"]
    lines.append("|---|---|")
    lines += [
        f"| {spelled(action)} | {meaning(parser, action)} |"
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS
    ]
    return "\n".join([*lines, ""])


def spelled(action: argparse.Action) -> str:
    """Return how an argument is written."""
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = "" if action.nargs == 0 else f" {argument_name(action)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def argument_name(action: argparse.Action) -> str:
    """Return the name of an option's value, or its choices."""
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    name = action.metavar or action.dest.upper()
    return f"{name} …" if action.nargs in ("+", "*") else str(name)


def meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return an argument's help, its default filled in."""
    formatter = parser._get_formatter()
    text = formatter._expand_help(action) if action.help else ""
    return text.replace("|", r"\|")

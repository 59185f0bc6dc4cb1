"""The documents name what exists: files, modules, commands, options, settings, recipes."""

import importlib.util
import re

import pytest
from pages import ROOT, command_lines, documents

import ecg12
from ecg12.cli.main import main
from ecg12.io.unsupported import REFUSED
from ecg12.training.recipes import RECIPES

PAGES = documents()
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
# The change log also names what was there before.
CURRENT = sorted(PAGES.keys() - {"CHANGELOG.md"})


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 120


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_lead_to_files(name):
    folder = (ROOT / name).parent
    targets = [link for link in LINK.findall(PAGES[name]) if "://" not in link]
    assert [link for link in targets if not (folder / link).exists()] == []


@pytest.mark.parametrize("name", CURRENT)
def test_files_that_are_named_exist(name):
    named = re.findall(r"`((?:ecg12|tests|stress|experiments|benchmarks)/[\w./]*)", PAGES[name])
    named = [path for path in named if "NAME" not in path]
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", CURRENT)
def test_programs_that_are_named_exist(name):
    modules = set(re.findall(r"-m ((?:experiments|benchmarks|stress)\.\w+)", PAGES[name]))
    modules -= {"stress.NAME"}
    assert {module for module in modules if importlib.util.find_spec(module) is None} == set()


@pytest.mark.parametrize("name", CURRENT)
def test_commands_and_options_exist(name, capsys):
    for command, words in command_lines(PAGES[name]):
        if command in ("COMMAND", "--version"):
            continue
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0, f"ecg12 {command}"
        known = set(OPTION.findall(capsys.readouterr().out))
        options = {word.partition("=")[0] for word in words if OPTION.match(word)}
        assert options <= known, f"ecg12 {command}: {options - known}"


def test_the_settings_are_those_that_the_code_reads():
    sources = [*ROOT.glob("*.py"), *ROOT.glob("ecg12/**/*.py"), ROOT / "tests" / "conftest.py"]
    read = {
        name
        for path in sources
        for name in re.findall(r"""["'](ECG12_[A-Z_]+)["']""", path.read_text(encoding="utf-8"))
    }
    documented = set(
        re.findall(r"^\| `(ECG12_[A-Z_]+)`", PAGES["docs/reference/settings.md"], re.M)
    )
    assert documented == read


def test_the_recipes_are_those_that_there_are():
    page = PAGES["docs/method/papers.md"]
    table = page.partition("| recipe |")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == RECIPES.keys()


def test_the_formats_that_are_not_read_are_those_that_there_are():
    page = " ".join(PAGES["docs/reference/formats.md"].split())
    _, _, listed = page.partition(
        "Recognised, but not read (the message says what to do instead): "
    )
    assert set(listed.partition(". **")[0].split(", ")) == {row.name for row in REFUSED}


def test_the_api_page_has_every_public_name():
    page = PAGES["docs/reference/api.md"]
    documented = re.findall(r"^(?::::| +heading:) ecg12\.(\w+)$", page, re.MULTILINE)
    assert sorted(documented) == sorted(set(ecg12.__all__) - {"__version__"})


def test_the_chapters_are_those_that_there_are():
    page = PAGES["docs/method/chapters.md"]
    table = page.partition("| chapter |")[2].partition("\n\n")[0]
    chapters = {path.parent.name for path in ROOT.glob("ecg12/*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == chapters

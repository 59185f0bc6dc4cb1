"""Recipes: what each module says of itself, and that names, modules and registry agree."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import Settings
from ecg12.training import recipes
from ecg12.training.recipes import RECIPES, get_recipe, recipe_of

ROOT = Path(__file__).parents[2]
MODULES = [
    path.stem
    for path in sorted(Path(recipes.__file__).parent.glob("*.py"))
    if path.stem not in ("__init__", "recipe", "registry")
]


@pytest.mark.parametrize("name", MODULES)
def test_a_recipe_s_module_states_command_cost_and_score(name):
    module = importlib.import_module(f"ecg12.training.recipes.{name}")
    document = module.__doc__
    assert re.findall(r"^(\w+)\n    ", document, re.MULTILINE) == ["Command", "Cost", "Score"]
    if name != "finetune":
        assert RECIPES[name] is module.RECIPE
        assert module.RECIPE.name == name
    for report in re.findall(r"(?:docs|reports)/[\w/]+\.md", document):
        assert (ROOT / report).is_file()


def test_every_measured_figure_is_in_the_document_that_is_named():
    """Each decimal number of a module's costs and scores, in any of the lab reports and guides."""
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "reports").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    for name in MODULES:
        document = importlib.import_module(f"ecg12.training.recipes.{name}").__doc__
        for number in re.findall(r"\d*\.\d+", document.partition("Cost\n")[2]):
            assert number.lstrip("0") in text, (name, number)


def test_every_module_is_registered():
    assert {*MODULES} == {*RECIPES, "finetune"}


def test_an_unknown_recipe_lists_the_choices():
    choices = "submission, mcircc, smoke, demo, crnn, light, shipped"
    with pytest.raises(InputError, match=f"unknown recipe 'x'; choices: {choices}"):
        get_recipe("x")
    with pytest.raises(InputError, match=f"ECG12_RECIPE='x'; choices: {choices}"):
        recipe_of(Settings(recipe="x", pretrained=""))


@pytest.mark.slow
def test_importing_the_recipes_builds_no_network():
    code = """
from ecg12.models import CRNN, ResNet, SEResNet
for kind in (CRNN, ResNet, SEResNet):
    kind.build = None  # calling it raises
import ecg12.training.recipes
print(len(ecg12.training.recipes.RECIPES))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "7\n"

"""Recipes: all choices of a training, by name; a module each, with command, cost and score.

`submission` is the default and `mcircc` the protocol of paper B (Ansari et al., MCIRCC, Computing
in Cardiology 2020); `crnn` is the network of paper A (Singstad and Tronstad, 2020); `light`, `demo`
and `smoke` are small. `finetune` holds the schedule for one's own classes. To add a recipe, write
its module and name it in `registry.RECIPES`.
"""

from ecg12.training.recipes.recipe import VALIDATIONS, Recipe
from ecg12.training.recipes.registry import (
    RECIPES,
    begin_at,
    for_own_classes,
    get_recipe,
    recipe_of,
)

__all__ = [
    "RECIPES",
    "VALIDATIONS",
    "Recipe",
    "begin_at",
    "for_own_classes",
    "get_recipe",
    "recipe_of",
]

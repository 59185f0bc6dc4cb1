"""The recipes by name, and what makes a recipe begin at pretrained networks."""

import logging
from dataclasses import replace
from pathlib import Path

from ecg12.models import SEResNet
from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import RECIPE, Settings
from ecg12.training.recipes import crnn, demo, finetune, light, mcircc, shipped, smoke, submission
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.transfer import match, pretrained_folder, read_pretrained

log = logging.getLogger(__name__)
RECIPES = {
    module.RECIPE.name: module.RECIPE
    for module in (submission, mcircc, smoke, demo, crnn, light, shipped)
}


def get_recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises
    ------
    InputError
        If there is none of that name; the message lists the choices.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; choices: {', '.join(RECIPES)}")
    return RECIPES[name]


def recipe_of(settings: Settings, pretrained: str | Path | None = None) -> Recipe:
    """Return the recipe that the environment names, begun at the networks that it names.

    Raises
    ------
    InputError
        If there is no recipe of that name; the message lists the choices.
    ModelError
        As `begin_at`.
    """
    if settings.recipe not in RECIPES:
        raise InputError(f"{RECIPE}={settings.recipe!r}; choices: {', '.join(RECIPES)}")
    return begin_at(RECIPES[settings.recipe], pretrained_folder(settings, pretrained))


def begin_at(recipe: Recipe, folder: str | Path | None, frozen: int = 0) -> Recipe:
    """Return a recipe whose networks begin at those of a model folder; the log says at which.

    Parameters
    ----------
    recipe
        What to train.
    folder
        A model folder; None for training from scratch.
    frozen
        How many blocks of each network are not trained.

    Raises
    ------
    ModelError, InputError
        If the folder cannot be used for this recipe, see `transfer.match`.
    """
    if folder is None:
        return recipe
    log.info("recipe %s starts from the pretrained networks of %s", recipe.name, folder)
    starts = match(folder, recipe.networks, recipe.preprocessing, frozen)
    return replace(recipe, starts=starts)


def for_own_classes(name: str | None, folder: str | Path | None, frozen: int = 0) -> Recipe:
    """Return a recipe for training on one's own classes.

    Its schedule takes the best single threshold after each epoch: on the small set that it usually
    is, and with rare classes, no score may reach the fixed one for many epochs. The default,
    `finetune.SCHEDULE`, is that of `submission` with another loss. Pretrained networks that take
    inputs of one length only, or no longer ones than its stretches, learn from whole recordings.

    Parameters
    ----------
    name
        Of a recipe. None: by `finetune.SCHEDULE`, the networks of the folder, or without one those
        of `submission`.
    folder, frozen
        As for `begin_at`.

    Raises
    ------
    ModelError, InputError
        As `get_recipe` and `begin_at`.
    """
    if name is not None:
        recipe = get_recipe(name)
        recipe = replace(recipe, schedule=replace(recipe.schedule, threshold=None))
        return begin_at(recipe, folder, frozen)
    recipe = replace(get_recipe("submission"), name="finetune", schedule=finetune.SCHEDULE)
    if folder is not None:
        known = read_pretrained(folder)
        networks = tuple(one.network for one in known)
        preprocessing, schedule = known[0].preprocessing, recipe.schedule
        any_length = all(isinstance(network, SEResNet) for network in networks)
        if not any_length or preprocessing.seconds <= schedule.crop:
            schedule = replace(schedule, crop=0.0, whole_epochs=0)
        recipe = replace(recipe, networks=networks, preprocessing=preprocessing, schedule=schedule)
    return begin_at(recipe, folder, frozen)

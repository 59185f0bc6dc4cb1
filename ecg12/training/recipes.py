"""Recipes: all choices of a submission, by name.

`submission` joins the parts that beat paper B's training with small networks, and predicts at a
fraction of the cost; reports/surpassing.md shows it, and what it leaves open: at full size they
have not been compared. `mcircc` is paper B's protocol (Ansari et al., MCIRCC, Computing in
Cardiology 2020, section 2.3.2) with the eight networks of its Table 2. `crnn` is the network of
paper A (Singstad and Tronstad, 2020) on the challenge's classes.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from ecg12.models import CRNN, TABLE_2, Network, ResNet, SEResNet
from ecg12.runtime.errors import InputError
from ecg12.runtime.settings import RECIPE, Settings
from ecg12.signal.augmentation import Augmentation
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.schedule import Schedule
from ecg12.training.transfer import Start, match, pretrained_folder, read_pretrained

log = logging.getLogger(__name__)
VALIDATIONS = ("random", "database")


@dataclass(frozen=True)
class Recipe:
    """All choices of one submission.

    Attributes
    ----------
    networks
        One specification per candidate member; equal ones differ by their seed.
    keep
        The ensemble's size at most; an odd number of the best candidates is kept.
    selection
        ``"score"``: those with the best validation scores of their own; ``"gain"``: those that add
        most to the ensemble's; ``"all"``: every one, however many (for pretraining).
    validation
        What chooses epochs, thresholds and members: ``"random"``, a fifth of the recordings (paper
        B), or ``"database"``, whole databases that train nothing.
    starts
        Where the training of each network begins; empty: all from scratch.
    """

    name: str
    networks: tuple[Network, ...]
    keep: int
    schedule: Schedule = Schedule()
    preprocessing: Preprocessing = Preprocessing()
    seed: int = 0
    selection: str = "score"
    validation: str = "random"
    starts: tuple[Start | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a validation that is not known."""
        if self.validation not in VALIDATIONS:
            choices = ", ".join(VALIDATIONS)
            raise ValueError(f"unknown validation {self.validation!r}; choices: {choices}")

    def start(self, index: int) -> Start | None:
        """Return where the training of a network begins; None: from scratch."""
        return self.starts[index] if self.starts else None


# Paper A: stored integers at 500 Hz, no filter, 20 s; ten epochs, of which the one with the lowest
# validation loss is kept. Batch and learning rate (Keras' defaults then) are inferred.
CRNN_PREPROCESSING = Preprocessing(
    rate=500.0, seconds=20.0, medians=(), cutoff=None, amplitude="stored"
)
CRNN_SCHEDULE = Schedule(
    epochs=10, batch=30, learning_rate=0.01, plateau=10, patience=10,
    loss="categorical_crossentropy", optimizer="sgd", monitor="loss",
)  # fmt: skip

# Variation of training recordings, and the leads that some of them lose.
VARIED = Augmentation(stretch=0.1, gain=0.2, noise=0.05, wander=0.05, lead_dropout=0.3)
# The rate falls to nearly nothing over all epochs, so none is given up for want of a rise.
SURPASSING = Schedule(
    epochs=40, batch=32, learning_rate=3e-3, min_lr=1e-5, warm_up=1, decay="cosine",
    patience=40, threshold=None, loss="weighted_crossentropy", last_epochs=13,
    augmentation=VARIED,
)  # fmt: skip

# For one's own classes: without the losses that know the challenge's table of weights.
FINETUNING = replace(SURPASSING, loss="binary_crossentropy", last_epochs=0)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "submission",
            (SEResNet(k=64),) * 5,
            keep=5,
            schedule=SURPASSING,
            selection="gain",
        ),
        Recipe("mcircc", TABLE_2, keep=5),
        # Seconds: shows that all parts fit together, learns nothing worth having.
        Recipe("smoke", (ResNet(2, 3, 1, 8, p=0.5),) * 3, keep=3, schedule=Schedule(epochs=3)),
        # Minutes on two cores. On a few hundred recordings the metric at a fixed threshold jumps
        # by more than it tells, so the best single threshold serves, and no epoch is given up.
        Recipe(
            "demo",
            (ResNet(8, 7, 2, 8),) * 3,
            keep=3,
            schedule=Schedule(epochs=16, batch=16, threshold=None, patience=16, plateau=16),
        ),
        Recipe("crnn", (CRNN(),), 1, CRNN_SCHEDULE, CRNN_PREPROCESSING),
        # A hundredth of paper B's cost: a thousand recordings take a few minutes on two cores.
        Recipe(
            "light",
            (SEResNet(k=16),) * 3,
            keep=3,
            schedule=Schedule(epochs=24, batch=32, threshold=None, patience=24, plateau=6),
        ),
    )
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


def recipe_of(settings: Settings) -> Recipe:
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
    return begin_at(RECIPES[settings.recipe], pretrained_folder(settings))


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
        If the folder cannot be used for this recipe, as `transfer.match` tells.
    """
    if folder is None:
        return recipe
    log.info("recipe %s begins at the pretrained networks of %s", recipe.name, folder)
    starts = match(folder, recipe.networks, recipe.preprocessing, frozen)
    return replace(recipe, starts=starts)


def for_own_classes(name: str | None, folder: str | Path | None, frozen: int = 0) -> Recipe:
    """Return a recipe for training on one's own classes.

    Its schedule takes the best single threshold after each epoch: on the small set that it usually
    is, and with rare classes, no score may reach the fixed one for many epochs. `FINETUNING`, the
    default, is the schedule of `submission` but for its losses.

    Parameters
    ----------
    name
        Of a recipe. None: by `FINETUNING`, the networks of the folder, or without one those of
        `submission`.
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
    recipe = replace(get_recipe("submission"), name="finetune", schedule=FINETUNING)
    if folder is not None:
        known = read_pretrained(folder)
        networks = tuple(one.network for one in known)
        recipe = replace(recipe, networks=networks, preprocessing=known[0].preprocessing)
    return begin_at(recipe, folder, frozen)

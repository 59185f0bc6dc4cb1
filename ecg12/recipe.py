"""Recipes: all choices of a submission, by name.

`submission` is paper B's protocol (Ansari et al., MCIRCC, Computing in Cardiology 2020, section
2.3.2) with the eight networks of its Table 2, trained from scratch. `crnn` is the network of paper
A (Singstad and Tronstad, 2020) on the challenge's classes.
"""

from dataclasses import dataclass

from ecg12.errors import InputError
from ecg12.networks import CRNN, TABLE_2, Network, ResNet
from ecg12.schedule import Schedule
from ecg12.signals import Preprocessing


@dataclass(frozen=True)
class Recipe:
    """All choices of one submission.

    Attributes
    ----------
    networks
        One specification per candidate member; equal ones differ by their seed.
    keep
        The ensemble's size at most; an odd number of the best candidates is kept.
    """

    name: str
    networks: tuple[Network, ...]
    keep: int
    schedule: Schedule = Schedule()
    preprocessing: Preprocessing = Preprocessing()
    seed: int = 0


# Paper A: stored integers at 500 Hz, no filter, 20 s; ten epochs, of which the one with the lowest
# validation loss is kept. Batch and learning rate (Keras' defaults then) are inferred.
CRNN_PREPROCESSING = Preprocessing(
    rate=500.0, seconds=20.0, medians=(), cutoff=None, amplitude="stored"
)
CRNN_SCHEDULE = Schedule(
    epochs=10, batch=30, learning_rate=0.01, plateau=10, patience=10,
    loss="categorical_crossentropy", optimizer="sgd", monitor="loss",
)  # fmt: skip

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("submission", TABLE_2, keep=5),
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

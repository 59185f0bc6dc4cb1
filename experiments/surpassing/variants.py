"""Which parts a run has, and what they make of network, schedule and preprocessing."""

from dataclasses import dataclass, replace

from ecg12.models import Network, ResNet, SEResNet
from ecg12.signal.augmentation import Augmentation
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.schedule import Schedule

BATCH = 32
SINGLE = Preprocessing(rate=100.0)
AVERAGED = replace(SINGLE, parts=3)
CHAINS = (SINGLE, AVERAGED)
PAPER_NETWORK, CHEAP_NETWORK = ResNet(4, 5, 2, 6), SEResNet(k=16)
PAPER_EPOCHS, CHEAP_EPOCHS = 20, 40  # the second take no longer
FURTHER = 0.5  # of these epochs, for a network that begins at a pretrained one
VARIED = {"gain": 0.2, "noise": 0.05, "wander": 0.05}


@dataclass(frozen=True)
class Variant:
    """Which parts a run has.

    Attributes
    ----------
    cosine
        Warm-up and cosine decay instead of steps at plateaus.
    varied
        Scaled, noisy and wandering recordings.
    leads
        Lead dropout.
    loss
        Cross-entropy weighted by the table of weights.
    seresnet
        The one-dimensional network with squeeze-and-excitation.
    parts
        Of a long recording a part drawn anew in each epoch, and scores averaged over its parts.
    database
        Whole databases validate, not a fifth of the recordings; only where there are several.
    letter
        Paper B's schedule to the letter: batches of 128, a fixed threshold of .5, an early stop.
        Otherwise batches of 32, all epochs, and the best single threshold, which serve a small set
        better; no part of its own.
    """

    cosine: bool = False
    varied: bool = False
    leads: bool = False
    loss: bool = False
    seresnet: bool = False
    parts: bool = False
    database: bool = False
    letter: bool = False

    @property
    def network(self) -> Network:
        """The network's specification."""
        return CHEAP_NETWORK if self.seresnet else PAPER_NETWORK

    @property
    def preprocessing(self) -> Preprocessing:
        """What the network is given."""
        return AVERAGED if self.parts else SINGLE

    def schedule(self, further: bool) -> Schedule:
        """Return how it is trained, from scratch or (`further`) from a pretrained network."""
        if self.letter:
            return Schedule()
        epochs = CHEAP_EPOCHS if self.seresnet else PAPER_EPOCHS
        epochs = round(epochs * (FURTHER if further else 1))
        augmentation = Augmentation(
            **(VARIED if self.varied else {}),
            lead_dropout=0.3 if self.leads else 0.0,
        )
        decay = {"decay": "cosine", "warm_up": 1, "learning_rate": 3e-3, "min_lr": 1e-5}
        losses = {"loss": "weighted_crossentropy"}
        return Schedule(
            epochs=epochs,
            batch=BATCH,
            patience=epochs,
            threshold=None,
            augmentation=augmentation,
            **(decay if self.cosine else {}),
            **(losses if self.loss else {}),
        )


PARTS = ("cosine", "varied", "leads", "loss", "seresnet", "parts")
WHOLE = Variant(**dict.fromkeys(PARTS, True))
PAPER, LETTER = "paper", "letter"
CHOSEN = "whole - parts"  # the parts of the recipe `submission` of version 0.2
VARIANTS = (
    {PAPER: Variant(), "whole": WHOLE}
    | {f"+ {part}": Variant(**{part: True}) for part in PARTS}
    | {f"whole - {part}": replace(WHOLE, **{part: False}) for part in PARTS}
    | {"whole, database validates": replace(WHOLE, database=True)}
    | {LETTER: Variant(letter=True)}
)

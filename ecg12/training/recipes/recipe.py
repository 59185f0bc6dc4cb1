"""What a recipe is: all choices of one training."""

from dataclasses import KW_ONLY, dataclass

from ecg12.models import Network
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.schedule import Schedule
from ecg12.training.transfer import Start

VALIDATIONS = ("random", "database")


@dataclass(frozen=True)
class Recipe:
    """All choices of one training.

    Attributes
    ----------
    name
        By which it is chosen and reported.
    networks
        One specification per candidate member; equal ones differ by their seed.
    keep
        The ensemble's size at most; an odd number of the best candidates is kept. None: all,
        however many, for pretraining.
    schedule
        How each network is trained.
    preprocessing
        Of the recordings.
    seed
        Decides the split; member i takes the seed + i.
    validation
        What chooses epochs, thresholds and members: ``"random"``, a fifth of the recordings (paper
        B), or ``"database"``, whole databases that train nothing.
    starts
        Where the training of each network begins; empty: all from scratch.
    """

    name: str
    networks: tuple[Network, ...]
    keep: int | None
    schedule: Schedule = Schedule()
    preprocessing: Preprocessing = Preprocessing()
    _: KW_ONLY
    seed: int = 0
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

"""The runs: the members of the ensemble, in the order in which they are made."""

from dataclasses import replace

from experiments.ptbxl.runs import Config

# Each later member begins where the one before ended, at a high rate again (warm restarts:
# Loshchilov and Hutter, ICLR 2017), with another seed; the third on stretches half as long.
FIRST = Config()
SECOND = replace(FIRST, epochs=4, whole_epochs=1, learning_rate=1.5e-3, warm_up=0, start="member0")
THIRD = replace(SECOND, crop=2.5, learning_rate=3e-3, ema=0.995, start="member1")
RUNS = {"member0": (FIRST, 0), "member1": (SECOND, 1), "member2": (THIRD, 2)}
MEMBERS: tuple[str, ...] = ("member0", "member1", "member2")
RUNS |= {"scratch1": (FIRST, 11)}  # a seed from scratch: not shipped, its gain was below .001
# Wider networks, which learn from the labels and the answers of the narrower ones.
WIDE = replace(FIRST, k=64, teacher=0.5)
RUNS |= {"wide0": (WIDE, 20), "wide1": (WIDE, 21), "wide2": (WIDE, 22)}
# What the screening found best, in full.
FINE = replace(FIRST, rate=250.0, stride=2, p=0.1)
RUNS |= {"fine0": (FINE, 30), "fine1": (FINE, 31), "fine2": (FINE, 32)}
RUNS |= {"drop0": (replace(FIRST, p=0.1), 0)}  # beside member0: what dropout alone does in full
# For the superclasses from millivolts alone: all leads are there, and voltages stay as they are.
ALL_LEADS = replace(FIRST, gain=0.0, wander=0.0, lead_dropout=0.0)
RUNS |= {f"superclasses{i}": (ALL_LEADS, 40 + i) for i in range(3)}
# For the superclasses alone, as the published networks were trained: nothing else to learn.
FIVE = replace(FIRST, columns="superclasses")
RUNS |= {f"five{i}": (FIVE, 60 + i) for i in range(3)}
# For the challenge metric alone: its columns, its weights, rates as the database labels them.
METRIC = replace(FIRST, columns="challenge", mend="none", loss="weighted_crossentropy", p=0.1)
RUNS |= {f"metric{i}": (METRIC, 50 + i) for i in range(3)}

# Screening, eight epochs of a small network: each run differs from the first in one choice.
BASE = Config(k=16, epochs=8, whole_epochs=1, ema=0.995)
PLAIN = replace(BASE, gain=0.0, noise=0.0, wander=0.0, lead_dropout=0.0)
CHOICES: dict[str, Config] = {
    "base": BASE,
    "ensemble's answers": replace(BASE, teacher=0.5),
    "k 32": replace(BASE, k=32),
    "no augmentation": PLAIN,
    "gain alone": replace(PLAIN, gain=0.1),
    "noise alone": replace(PLAIN, noise=0.05),
    "wander alone": replace(PLAIN, wander=0.05),
    "lead dropout alone": replace(PLAIN, lead_dropout=0.2),
    "challenge columns": replace(BASE, columns="challenge"),
    "challenge columns, rates as labelled": replace(BASE, columns="challenge", mend="none"),
    "weighted loss": replace(BASE, columns="challenge", loss="weighted_crossentropy"),
    "learning rate 1e-3": replace(BASE, learning_rate=1e-3),
    "learning rate 6e-3": replace(BASE, learning_rate=6e-3),
    "no average of weights": replace(BASE, ema=0.0),
    "no weight decay": replace(BASE, weight_decay=0.0),
    "dropout .1": replace(BASE, p=0.1),
    "dropout .5": replace(BASE, p=0.5),
    "rates as labelled": replace(BASE, mend="none"),
    "rates by criteria": replace(BASE, mend="positive"),
    "whole recordings": replace(BASE, crop=0.0, whole_epochs=0),
    "stretches of 2.5 s": replace(BASE, crop=2.5),
    "250 Hz": replace(BASE, rate=250.0, stride=2),
    "16 epochs": replace(BASE, epochs=16, whole_epochs=2),
}
SCREENING = {"screen base": (BASE, 0)}
SCREENING |= {f"screen base, seed {seed}": (BASE, seed) for seed in (1, 2, 3, 4)}
SCREENING |= {f"screen {name}": (config, 0) for name, config in CHOICES.items()}
# The best five of the first seed, by two more seeds; then the weighted loss, and what it is
# compared with.
BEST = ("k 32", "250 Hz", "dropout .1", "whole recordings", "ensemble's answers")
LOSSES = ("weighted loss", "challenge columns")
SCREENING |= {
    f"best {name}, seed {seed}": (CHOICES[name], seed)
    for names in (BEST, LOSSES)
    for seed in (1, 2)
    for name in names
}


def group(name: str) -> str:
    """Return the first word of a run's name, such as ``"screen"``."""
    return name.split()[0]

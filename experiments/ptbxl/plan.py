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

"""`mcircc`: the protocol of paper B with the eight networks of its Table 2, of which five are kept.

Ansari et al. (MCIRCC), Computing in Cardiology 2020, section 2.3.2: binary cross-entropy, training
until the challenge metric on the validation part stops rising, learning rate lowered at plateaus.

Command
    ``ECG12_RECIPE=mcircc python train_model.py DATA MODEL``
Cost
    Training in full has not been measured; the smallest network takes 8 GFLOP a training recording
    and epoch. A prediction costs 38 to 88 GFLOP; of the five cheapest networks 37.6 GFLOP and
    785 ms of processor time, of the five most expensive ones 0.75 s in the driver.
Score
    Not measured at full size. A small network of the kind, five paired seeds, the database or
    hospital left out (reports/surpassing.md): challenge metric .396 and AUROC .762 on synthetic
    recordings, .124 and .657 on 220 real ones (best constant prediction .300).
"""

from ecg12.models import TABLE_2
from ecg12.training.recipes.recipe import Recipe

RECIPE = Recipe("mcircc", TABLE_2, keep=5)

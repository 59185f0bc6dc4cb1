"""`smoke`: shows that all parts work together; learns nothing worth having.

Command
    ``ECG12_RECIPE=smoke python train_model.py DATA MODEL``
Cost
    Seconds, on a few recordings.
Score
    None is expected.
"""

from ecg12.models import ResNet
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.schedule import Schedule

RECIPE = Recipe("smoke", (ResNet(2, 3, 1, 8, p=0.5),) * 3, keep=3, schedule=Schedule(epochs=3))

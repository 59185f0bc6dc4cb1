"""The settings that come from environment variables, read and checked in one place.

====================  ============================================================================
ECG12_RECIPE          name of the recipe that the challenge's entry trains; ``submission``, or
                      ``shipped`` where ECG12_PRETRAINED is that
ECG12_BUDGET          wall-clock hours for its training; 46
ECG12_PRETRAINED      model folder at whose networks training begins; empty: from scratch
ECG12_DEVICES         among how many devices each batch is divided; 1
ECG12_RUNTIME         what runs the networks in prediction: auto, keras or onnx; auto
ECG12_SALT            secret from which patients' keys are made
ECG12_TOKEN           secret that requests to `ecg12 serve` must name
====================  ============================================================================
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from ecg12.runtime.errors import InputError

RECIPE, BUDGET, PRETRAINED = "ECG12_RECIPE", "ECG12_BUDGET", "ECG12_PRETRAINED"
DEVICES, RUNTIME, SALT = "ECG12_DEVICES", "ECG12_RUNTIME", "ECG12_SALT"
RUNTIMES = ("auto", "keras", "onnx")
TOKEN = "ECG12_TOKEN"  # noqa: S105
SHIPPED = "shipped"  # names the model that is part of the package, and a recipe


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment sets.

    Attributes
    ----------
    recipe
        Name of a recipe; which there are is known in `ecg12.training.recipes`.
    hours
        Wall-clock budget of the challenge's training.
    pretrained
        Folder of pretrained networks as named; empty: none is to be used; None: not set.
    devices
        Among how many devices each batch is divided.
    runtime
        What runs the networks in prediction, one of `RUNTIMES`.
    salt
        Secret of patients' keys; None: not set.
    token
        Secret that requests to the service must name; None: not set.
    """

    recipe: str = "submission"
    hours: float = 46.0
    pretrained: str | None = None
    devices: int = 1
    runtime: str = "auto"
    salt: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings.

        Parameters
        ----------
        environment
            Variables by name; what is not among them has its default.

        Raises
        ------
        InputError
            If a value cannot be used; the message names the variable, the value, and what may be.
        """
        default = cls()
        return cls(
            recipe=environment.get(RECIPE, _usual_recipe(environment.get(PRETRAINED))),
            hours=read_hours(environment.get(BUDGET, str(default.hours)), BUDGET),
            pretrained=environment.get(PRETRAINED),
            devices=_devices(environment.get(DEVICES) or str(default.devices)),
            runtime=_runtime(environment.get(RUNTIME) or default.runtime),
            salt=_salt(environment.get(SALT)),
            token=environment.get(TOKEN) or None,
        )


def read_hours(text: str, name: str = "--hours") -> float:
    """Read a time budget in hours.

    Parameters
    ----------
    text
        A positive number.
    name
        Of the variable or option, for the message.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 < hours < float("inf"):
        raise InputError(f"{name}={text!r}: a positive number of hours is needed")
    return hours


def _usual_recipe(pretrained: str | None) -> str:
    """Return the recipe where none is named: one whose networks can begin at those named."""
    return SHIPPED if pretrained == SHIPPED else Settings.recipe


def _devices(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise InputError(f"{DEVICES}={text!r}: a whole number from 1 on is needed")
    return int(text)


def _runtime(text: str) -> str:
    if text not in RUNTIMES:
        raise InputError(f"{RUNTIME}={text!r}; choices: {', '.join(RUNTIMES)}")
    return text


def _salt(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise InputError(f"{SALT}={text!r}: the salt of patient keys is empty")
    return text.strip() if text else None

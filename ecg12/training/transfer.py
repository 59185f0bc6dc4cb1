"""Transfer: networks that were trained on one archive begin the training on another.

Paper B (Ansari et al., MCIRCC, Computing in Cardiology 2020, section 2.3.2): the sigmoids of a
pretrained network give way to a new head (`models.swap_head`), and all layers are trained on, by
the same schedule. The paper tried to freeze its first blocks as well (`models.freeze`) and found
full retraining best.

A pretrained network is a member of a model folder, so what `pretrain`, `finetune` or
`train_model.py` has written can be begun from. Members are matched with the networks to be trained
by specification, and must have the same preprocessing; what does not fit is logged, and if nothing
fits it is an error.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ecg12.ensemble.keras_runtime import load_network
from ecg12.ensemble.model_index import INDEX, SHIPPED, check_file, read_index, read_preprocessing
from ecg12.models import Network, freeze, network_of, swap_head
from ecg12.runtime.errors import InputError, ModelError
from ecg12.runtime.settings import PRETRAINED, Settings
from ecg12.runtime.settings import SHIPPED as SHIPPED_NAME
from ecg12.signal.preprocessing import Preprocessing

log = logging.getLogger(__name__)
SHIPPED_REMARK = (
    "training starts from the shipped networks, which have learned from PTB-XL: recordings of "
    "PTB-XL, which the challenge's data hold, are then unseen in no part"
)


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A pretrained network on the disk.

    Attributes
    ----------
    name
        Of the member.
    file, checksum
        Path of its `.keras` file, and that file's SHA-256.
    network, preprocessing
        Its specification, and what it expects of its input.
    """

    name: str
    file: str
    checksum: str
    network: Network
    preprocessing: Preprocessing


@dataclass(frozen=True)
class Start:
    """Where the training of one network begins: at a pretrained one, its first blocks frozen."""

    pretrained: Pretrained
    frozen: int = 0

    def build(self, n_outputs: int) -> Any:
        """Load the network, give it a new head and freeze its blocks; return the Keras model.

        Raises
        ------
        ModelError
            If the file has changed since it was found.
        InputError
            If it has fewer blocks than are to be frozen.
        """
        model = load_network(Path(self.pretrained.file), self.pretrained.checksum)
        model = swap_head(model, n_outputs)
        try:
            freeze(model, self.frozen)
        except ValueError as error:
            raise InputError(f"{self.pretrained.file}: {error}") from error
        return model


def pretrained_folder(settings: Settings, default: str | Path | None = None) -> Path | None:
    """Return the folder of pretrained networks to use, or None for training from scratch.

    The variable `ECG12_PRETRAINED` names it, ``shipped`` the model that is part of the package; set
    but empty it forbids any.

    Parameters
    ----------
    settings
        What the environment sets.
    default
        The folder where the variable is not set, if there is such a folder.
    """
    if settings.pretrained == SHIPPED_NAME:
        log.warning(SHIPPED_REMARK)
        return SHIPPED
    if settings.pretrained is not None:
        return Path(settings.pretrained) if settings.pretrained else None
    return Path(default) if default is not None and Path(default).is_dir() else None


def begins_at_shipped(starts: Sequence[Start | None]) -> bool:
    """Return whether a training begins at a network of the model that is part of the package."""
    return any(start is not None and Path(start.pretrained.file).parent == SHIPPED
               for start in starts)  # fmt: skip


def read_pretrained(folder: str | Path) -> list[Pretrained]:
    """List the networks of a model folder; the log names members without a specification.

    Raises
    ------
    ModelError
        If the folder holds no model, a file is missing or damaged, or no member has a
        specification.
    """
    if not Path(folder).is_dir():
        raise ModelError(
            f"{folder}: there is no such folder of pretrained networks; to begin from scratch, "
            f"name none and set {PRETRAINED} to nothing"
        )
    found, members = [], read_index(folder)["members"]
    if not any("file" in entry for entry in members):
        raise ModelError(f"{Path(folder) / INDEX}: names no .keras files, at which training begins")
    for entry in members:
        try:
            file = Path(folder) / Path(entry["file"]).name
            stored = entry.get("network")
            if stored is None:
                log.warning("%s: %s has no specification; left out", folder, entry["name"])
                continue
            preprocessing = read_preprocessing(entry["preprocessing"])
            one = Pretrained(
                name=entry["name"],
                file=str(file),
                checksum=entry["sha256"],
                network=network_of(stored),
                preprocessing=preprocessing,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{Path(folder) / INDEX}: not a classifier's index: {error}"
            ) from error
        check_file(file, one.checksum)
        found.append(one)
    if not found:
        raise ModelError(f"{folder}: made by a version without specifications; pretrain again")
    return found


def match(
    folder: str | Path,
    networks: Sequence[Network],
    preprocessing: Preprocessing,
    frozen: int = 0,
) -> tuple[Start | None, ...]:
    """Say where the training of each network begins.

    Parameters
    ----------
    folder
        A model folder.
    networks
        Specifications to be trained. The first of equal ones begins at the first pretrained one of
        that specification, and so on; for a network without a partner there is None.
    preprocessing
        Of the recordings to be trained on.
    frozen
        How many blocks of each are not trained.

    Raises
    ------
    ModelError
        As `read_pretrained`.
    InputError
        If no network has a partner, or if a partner expects another preprocessing.
    """
    left = read_pretrained(folder)
    starts: list[Start | None] = []
    for network in networks:
        partner = next((one for one in left if one.network == network), None)
        if partner is None:
            log.warning("%s: none fits %s, which begins from scratch", folder, network.name)
            starts.append(None)
            continue
        left.remove(partner)
        _check(partner, preprocessing)
        log.info("%s starts from %s (%d blocks frozen)", network.name, partner.file, frozen)
        starts.append(Start(partner, frozen))
    if not any(starts):
        known = ", ".join(dict.fromkeys(one.network.name for one in left))
        raise InputError(
            f"{folder}: its networks ({known}) are none of those to be trained; choose their "
            f"recipe, or train from scratch with {PRETRAINED} set to nothing"
        )
    if left:
        log.warning("%s: not used: %s", folder, ", ".join(one.name for one in left))
    return tuple(starts)


def _check(pretrained: Pretrained, preprocessing: Preprocessing) -> None:
    if replace(pretrained.preprocessing, parts=1) != replace(preprocessing, parts=1):
        raise InputError(
            f"{pretrained.file}: was trained on recordings prepared by {pretrained.preprocessing}, "
            f"which are here prepared by {preprocessing}"
        )

"""How much memory the GPUs have that this process may use, as `nvidia-smi` lists them.

`CUDA_VISIBLE_DEVICES` chooses among them: numbers, the beginnings of their UUIDs, or MIG slices
(CUDA C++ Programming Guide, section "CUDA environment variables"; NVIDIA Multi-Instance GPU User
Guide, section "Device enumeration"). Numbers count in the order of `nvidia-smi`, which is CUDA's if
the GPUs are alike or `CUDA_DEVICE_ORDER` is ``PCI_BUS_ID``. A GPU that is divided into MIG slices
runs a process on one of them only, so that the slices' memory counts and not the GPU's.
"""

import logging
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from xml.etree import ElementTree

log = logging.getLogger(__name__)
LIMIT = 30.0  # s; of a GPU that has failed, nvidia-smi may never answer
VARIABLE = "CUDA_VISIBLE_DEVICES"
# A line of `nvidia-smi -L`: "GPU 0: NVIDIA A100 (UUID: …)" or "  MIG 1g.5gb  Device  0: (UUID: …)".
LISTED = re.compile(r"\s*(?:GPU\s+(\d+):|MIG\s.*Device\s+(\d+):).*\(UUID:\s*(\S+?)\)")
MEBIBYTES = re.compile(r"(\d+) MiB")


@dataclass(frozen=True)
class Slice:
    """A MIG slice of a GPU: the names that CUDA knows it by, and its memory in bytes if known."""

    names: tuple[str, ...]
    memory: int | None


@dataclass(frozen=True)
class GPU:
    """A GPU: its UUID, its memory in bytes if known, and the slices that it is divided into."""

    uuid: str
    memory: int | None
    slices: tuple[Slice, ...] = ()

    def usable(self) -> list[int | None]:
        """Return the memory of each device that a process may get on this GPU."""
        return [one.memory for one in self.slices] or [self.memory]


def gpu_memory() -> int | None:
    """Return the bytes of the smallest device that this process may use; None if unknown.

    It is unknown without `nvidia-smi`, or if that fails or lists none of the visible devices; the
    log then says so.
    """
    if not shutil.which("nvidia-smi"):
        return None
    try:
        gpus = parse(_ask("-q", "-x"), _ask("-L"))
    except (OSError, subprocess.SubprocessError, ElementTree.ParseError) as error:
        log.warning("nvidia-smi cannot be read, so the GPU's memory is not known: %s", error)
        return None
    chosen = os.environ.get(VARIABLE)
    memories = [memory for memory in visible(gpus, chosen) if memory is not None]
    if not memories:
        log.warning("nvidia-smi shows the memory of no device of %s=%s", VARIABLE, chosen)
    return min(memories, default=None)


def _ask(*arguments: str) -> str:
    command = ["nvidia-smi", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT)
    return done.stdout


def parse(report: str, listed: str) -> list[GPU]:
    """Read what `nvidia-smi` says of the GPUs.

    Parameters
    ----------
    report
        Output of ``nvidia-smi -q -x``, which shows the memory.
    listed
        Output of ``nvidia-smi -L``, which shows the UUIDs of MIG slices.

    Raises
    ------
    ElementTree.ParseError
        If the report is no XML.
    """
    names = _slice_names(listed)
    found = []
    for gpu in ElementTree.fromstring(report).iter("gpu"):
        uuid = gpu.findtext("uuid", "").strip()
        memory_of: dict[str, int | None] = {}  # several slices may share a GPU instance's memory
        slices = []
        for one in gpu.iterfind("mig_devices/mig_device"):
            index, instance, compute = (
                one.findtext(tag, "").strip()
                for tag in ("index", "gpu_instance_id", "compute_instance_id")
            )
            memory_of[instance] = _memory(one) or memory_of.get(instance)
            known = (names.get((uuid, index), ""), f"MIG-{uuid}/{instance}/{compute}")
            slices.append(Slice(known, memory_of[instance]))
        found.append(GPU(uuid, _memory(gpu), tuple(slices)))
    return found


def _slice_names(listed: str) -> dict[tuple[str, str], str]:
    """Return (UUID of the GPU, index of the slice on it) → UUID of the slice."""
    names, gpu = {}, ""
    for number, index, uuid in LISTED.findall(listed):
        if number:
            gpu = uuid
        else:
            names[gpu, index] = uuid
    return names


def _memory(element: ElementTree.Element) -> int | None:
    """Return the bytes that an element names; None for "N/A" and the like."""
    match = MEBIBYTES.fullmatch(element.findtext("fb_memory_usage/total", "").strip())
    return int(match[1]) * 2**20 if match else None


def visible(gpus: list[GPU], chosen: str | None) -> list[int | None]:
    """Return the memory of each device that a process may use, in bytes; None where unknown.

    Parameters
    ----------
    gpus
        All that there are.
    chosen
        Value of `CUDA_VISIBLE_DEVICES`; None: not set, so that all are visible. Devices after the
        first one that there is not are invisible.
    """
    if chosen is None:
        return [memory for gpu in gpus for memory in gpu.usable()]
    memories: list[int | None] = []
    for name in chosen.split(","):
        found = _named(gpus, name.strip())
        if not found:
            break
        memories += found
    return memories


def _named(gpus: list[GPU], name: str) -> list[int | None]:
    """Return the memory of the devices of one name; empty if there is none."""
    if name.isdecimal():
        return gpus[int(name)].usable() if int(name) < len(gpus) else []
    if name.startswith("MIG-"):
        slices = (one for gpu in gpus for one in gpu.slices)
        return [one.memory for one in slices if any(n.startswith(name) for n in one.names)][:1]
    if name.startswith("GPU-"):
        same = [gpu for gpu in gpus if gpu.uuid.startswith(name)]
        return same[0].usable() if len(same) == 1 else []
    return []

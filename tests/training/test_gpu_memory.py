"""GPU memory that a process may use: by `CUDA_VISIBLE_DEVICES`, on whole GPUs and on MIG slices.

A script on PATH stands for `nvidia-smi`; its output has the form of driver 535.
"""

import pytest

from ecg12.training.resources import available_memory

MIB = 2**20
ONE = "GPU-9de3d0e8-33f5-10dc-0c79-2c88a7ab0a23"
TWO = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"
SLICE = "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f"


def gpu(uuid, total, slices=""):
    return f"""<gpu id="00000000:07:00.0"><uuid>{uuid}</uuid>
<mig_devices>{slices or "None"}</mig_devices>
<fb_memory_usage><total>{total}</total><used>3 MiB</used></fb_memory_usage>
<bar1_memory_usage><total>65536 MiB</total></bar1_memory_usage></gpu>"""


def mig(index, instance, total):
    return f"""<mig_device><index>{index}</index><gpu_instance_id>{instance}</gpu_instance_id>
<compute_instance_id>0</compute_instance_id>
<fb_memory_usage><total>{total}</total></fb_memory_usage></mig_device>"""


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Return what puts an nvidia-smi that lists these GPUs on PATH, and sets the visible ones."""

    def install(visible, *gpus, listed="", status=0):
        report = f'<?xml version="1.0" ?><nvidia_smi_log>{"".join(gpus)}</nvidia_smi_log>'
        (tmp_path / "report.xml").write_text(report)
        (tmp_path / "list").write_text(listed)
        program = tmp_path / "nvidia-smi"
        program.write_text(
            f"""#!/bin/sh
case "$*" in
    "-q -x") cat {tmp_path}/report.xml ;;
    -L) cat {tmp_path}/list ;;
    *) exit 2 ;;
esac
exit {status}
"""
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return install


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, 24_000),  # all are visible, and the smallest counts
        ("0", 81_559),
        ("1", 24_000),
        (" 0 , 1 ", 24_000),
        ("0,7,1", 81_559),  # what follows a device that there is not is invisible
        (ONE, 81_559),
        ("GPU-5d5b", 24_000),  # the beginning of a UUID
        (f"{ONE},{TWO}", 24_000),
    ],
)
def test_the_smallest_visible_gpu_counts(nvidia_smi, visible, expected):
    nvidia_smi(visible, gpu(ONE, "81559 MiB"), gpu(TWO, "24000 MiB"))
    assert available_memory(gpu=True) == expected * MIB


LISTED = f"""GPU 0: NVIDIA A100-SXM4-40GB (UUID: {TWO})
GPU 1: NVIDIA A100-SXM4-40GB (UUID: {ONE})
  MIG 3g.20gb     Device  0: (UUID: MIG-000d40d3-5924-5906-9879-8b69bf58689b)
  MIG 1g.5gb      Device  1: (UUID: {SLICE})
  MIG 1c.1g.5gb   Device  2: (UUID: MIG-7839bf6f-ba33-59f0-89eb-01c8d8c4134d)
"""


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, 4864),
        ("0", 40_960),
        ("1", 4864),
        (SLICE, 4864),
        ("MIG-000d40d3-5924-5906-9879-8b69bf58689b", 20_096),
        ("MIG-7839bf6f-ba33-59f0-89eb-01c8d8c4134d", 4864),  # shares a GPU instance
        (f"MIG-{ONE}/2/0", 20_096),  # as drivers before 470 name it
        (ONE, 4864),
    ],
)
def test_a_slice_has_its_own_memory_not_the_gpu_s(nvidia_smi, visible, expected):
    slices = mig(0, 2, "20096 MiB") + mig(1, 9, "4864 MiB") + mig(2, 9, "N/A")
    nvidia_smi(visible, gpu(TWO, "40960 MiB"), gpu(ONE, "N/A", slices), listed=LISTED)
    assert available_memory(gpu=True) == expected * MIB


@pytest.mark.parametrize("broken", ["fails", "no xml", "unknown", "none visible", "absent"])
def test_memory_that_is_not_known_is_the_host_s_and_the_log_says_so(
    nvidia_smi, monkeypatch, tmp_path, broken, caplog
):
    nvidia_smi(
        "3" if broken == "none visible" else None,
        "<" if broken == "no xml" else gpu(ONE, "N/A" if broken == "unknown" else "81559 MiB"),
        status=9 if broken == "fails" else 0,
    )
    if broken == "absent":
        (tmp_path / "nvidia-smi").unlink()
    assert available_memory(gpu=True) == available_memory(gpu=False)
    assert ("nvidia-smi shows" in caplog.text or "nvidia-smi cannot" in caplog.text) == (
        broken != "absent"
    )

"""Where and how torch computes: the device, reproducibly, with memory kept between steps."""

import ctypes
import os
import sys

import torch

from autoencoders.errors import UserError

# Parameters of mallopt, from glibc's malloc.h, and the largest mmap threshold that it takes.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MAX_MMAP_THRESHOLD = 1 << 25
KEEP_BYTES = 1 << 30


def choose(name: str, key: str = "train.device") -> str:
    """The device "cpu", "cuda" or "mps"; "auto" takes a GPU (cuda, then mps) where there is one.

    `key` is where the user has named it.

    Raises:
        UserError: the device asked for is not there.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, present in available.items() if present)
    if not available[name]:
        raise UserError(f"{key} is '{name}', which is not available here; use 'auto'")
    return name


def prepare(name: str, key: str = "train.device") -> torch.device:
    """Choose a device, as `choose` does, and make torch deterministic on it.

    Call it before any arithmetic of torch's: only threads that start later flush subnormal numbers.

    Raises:
        UserError: the device asked for is not there.
    """
    name = choose(name, key)
    if name == "cpu":
        _keep_freed_memory()
        # Numbers below float32's normal range, 1e-38, are zero: the running mean of a gradient that
        # has vanished, such as that of a pixel that is black in nearly all images, stays in that
        # range, where arithmetic is many times slower. The flag belongs to a thread, and torch's
        # workers inherit it when they start.
        torch.set_flush_denormal(True)
    else:
        # What is used here is deterministic on CPUs anyway, and this call imports for a second.
        # cuBLAS needs a fixed workspace for it, chosen before its first use. On MPS it warns of
        # what has no deterministic form there, such as max-pooling's backward, which would raise.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=name == "mps")
    if name == "cuda":
        # float32 means float32: convolutions would round their factors to TF32's 10 bits.
        torch.backends.cudnn.allow_tf32 = False
        # torchrun numbers the processes on a machine; each takes the GPU of its number.
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device(name)


def rounding(device: torch.device) -> list[str | int]:
    """What decides, beside the code, how numbers are rounded on that device."""
    gpu = [torch.cuda.get_device_name(device)] if device.type == "cuda" else []
    return [
        *gpu,
        torch.__version__,
        str(device),
        torch.get_num_threads(),
        torch.backends.cpu.get_cpu_capability(),
    ]


def _keep_freed_memory() -> None:
    """Keep glibc from handing each step's tensors back to the system, a fifth of a CPU epoch."""
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_TRIM_THRESHOLD, KEEP_BYTES)
            mallopt(M_MMAP_THRESHOLD, MAX_MMAP_THRESHOLD)

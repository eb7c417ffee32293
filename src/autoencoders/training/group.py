"""The processes that train one model together, each on its part of every batch."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed

from autoencoders.errors import UserError


@dataclass(frozen=True)
class Group:
    """This process's place among those that torchrun has started; alone, rank 0 of 1."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the results."""
        return self.rank == 0

    def part(self, batch: Tensor) -> Tensor:
        """This process's part of a batch."""
        return batch.tensor_split(self.size)[self.rank]

    def total(self, sums: Tensor) -> Tensor:
        """The sums of all processes."""
        if self.size > 1:
            distributed.all_reduce(sums)
        return sums

    def share(self, state: dict[str, Any] | None, device: torch.device) -> dict[str, Any] | None:
        """The leading process's `state`, which may hold tensors and plain values, everywhere."""
        if self.size == 1:
            return state
        payload = io.BytesIO()
        torch.save(state, payload)
        content = torch.frombuffer(bytearray(payload.getvalue()), dtype=torch.uint8).to(device)
        length = torch.tensor([len(content)], device=device)
        distributed.broadcast(length, 0)
        if not self.leads:
            content = torch.empty(int(length), dtype=torch.uint8, device=device)
        distributed.broadcast(content, 0)
        received = io.BytesIO(content.cpu().numpy().tobytes())
        return torch.load(received, map_location="cpu", weights_only=True)


ALONE = Group()


def check_batches(images: int, batch_size: int, processes: int) -> None:
    """Raise a UserError if a batch has fewer images than there are processes to share it."""
    smallest = min(batch_size, images % batch_size or batch_size)
    if smallest < processes:
        raise UserError(
            f"train.batch_size is {batch_size}: of {images} images the last batch has "
            f"{smallest}, expected at least one for each of {processes} processes"
        )


def join(device: torch.device) -> Group:
    """The group that torchrun has started this process in, or this process alone."""
    if not is_launched():
        return ALONE
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Group(distributed.get_rank(), distributed.get_world_size())


def leave(group: Group) -> None:
    """Take leave of the others once all have come this far."""
    if group.size > 1:
        distributed.barrier()
    if distributed.is_initialized():
        distributed.destroy_process_group()


def is_launched() -> bool:
    """Whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def must_launch(processes: int) -> bool:
    """Whether the training needs torchrun, which has not started it yet.

    torchrun's own variables may ask for several machines: PET_NNODES and its kin.
    """
    return not is_launched() and (processes > 1 or "PET_NNODES" in os.environ)


def machines() -> int:
    """How many machines take part, at most: torchrun's own variable may name a range, as 1:4."""
    return int(os.environ.get("PET_NNODES", "1").rpartition(":")[2])


def launch(processes: int, module: str, *arguments: str) -> None:
    """Run a module under torchrun, in so many processes on this machine.

    Raises:
        UserError: one of the processes failed; torchrun has ended the others.
    """
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={processes}"]
    if "PET_NNODES" not in os.environ:
        command.append("--standalone")
    threads = max(1, (os.cpu_count() or 1) // processes)
    environment = {"OMP_NUM_THREADS": str(threads)} | os.environ
    status = subprocess.run([*command, "-m", module, *arguments], env=environment).returncode
    if status:
        raise UserError(
            f"one of {processes} training processes failed (see above), which ended the others; "
            "the same command goes on after the last finished epoch"
        )

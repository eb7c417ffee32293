"""Stands for `python` and `dvc` where a test starts many: they come with their libraries imported.

A server imports what takes seconds to import, all but this project's own code, and forks itself for
each command; the command's own process only hands over what it was called with, and waits. So tests
run the same code in a process of its own, without the seconds. Tests of how processes start, share
work and die use the real ones.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

LIBRARIES = [
    *("dvc.cli", "dvc.cli.parser", "dvc.repo.reproduce", "dvc.repo.experiments.run"),
    *("dvc.repo.metrics.diff", "dvc.stage.run", "dvc_data.index", "dvc_objects.fs.local"),
    *("dvc.render.match", "pygit2", "pathspec", "networkx", "torch", "torch._dynamo"),
    *("torch.distributed", "sklearn.manifold", "sklearn.mixture", "sklearn.decomposition"),
    *("sklearn.linear_model", "sklearn.cluster", "sklearn.neighbors", "sklearn.pipeline"),
    *("sklearn.model_selection", "sklearn.datasets", "scipy.ndimage", "scipy.stats"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg", "PIL.Image", "pandas", "pydantic"),
    *("ruamel.yaml", "yaml", "safetensors.numpy", "tqdm", "filelock", "psutil", "threadpoolctl"),
    *("pooch", "requests"),
]
SERVED = ("stages.", "autoencoders")
POLL_SECONDS = 2


@cache
def programs() -> str | None:
    """The folder of a `python` and a `dvc` that are served, to be put first on PATH.

    It starts the server, which ends with this process. None where processes do not fork well.
    """
    if sys.platform != "linux":
        return None
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    atexit.register(folder.cleanup)
    programs = Path(folder.name, "bin")
    programs.mkdir()
    address = Path(folder.name, "address")
    for name in ("python", "dvc"):
        program = programs / name
        program.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -I -S "{__file__}" "{address}" {name} "$@"\n'
        )
        program.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        listening.listen(64)
        one_thread = os.environ | {"OMP_NUM_THREADS": "1"}  # as all commands that it serves have
        command = [sys.executable, __file__, str(listening.fileno()), str(os.getpid())]
        server = subprocess.Popen(
            command, pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL, env=one_thread
        )
    atexit.register(server.kill)
    return str(programs)


def serve(listening: socket.socket, starter: int) -> None:
    """Fork for each command, as long as the process that started the server lives."""
    sys.path.remove(str(Path(__file__).parent))
    for name in LIBRARIES:
        import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    listening.settimeout(POLL_SECONDS)
    while os.getppid() == starter:
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            continue
        connection.settimeout(None)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            answer(connection)
        connection.close()


def answer(connection: socket.socket) -> NoReturn:
    """Run a command in a fork, and tell its exit status."""
    told, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not told.endswith(b"\n"):
        told += connection.recv(1 << 20)
    call = json.loads(told)
    child = os.fork()
    if child == 0:
        connection.close()
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        os.chdir(call["folder"])
        os.environ.clear()
        os.environ.update(call["environment"])
        end(lambda: run(call["program"], call["arguments"]))
    for stream in streams:
        os.close(stream)
    threading.Thread(target=end_with, args=(connection, child), daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(bytes([status if status >= 0 else 128 - status]))
    os._exit(0)


def end_with(connection: socket.socket, child: int) -> None:
    """Kill the child when whoever called for it is gone."""
    with suppress(OSError):
        if not connection.recv(1):
            os.kill(child, signal.SIGKILL)


def end(command: Callable[[], None]) -> NoReturn:
    """Call the command and end as Python would, but without freeing what the server holds."""
    status = 0
    try:
        command()
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
        if isinstance(exit.code, str):
            print(exit.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(program: str, arguments: list[str]) -> None:
    """What the program does, in this process; what it raises ends the process, as always."""
    added = os.environ.get("PYTHONPATH", "")
    sys.path[:0] = [str(Path(name).resolve()) for name in added.split(os.pathsep) if name]
    if program == "dvc":
        sys.argv = ["dvc", *arguments]
        sys.exit(import_module("dvc.cli").main())
    sys.argv = arguments[1:]
    sys.path.insert(0, str(Path.cwd()))
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)


def call(address: str, program: str, arguments: list[str]) -> int:
    """Have the server run a command as if it were this process; its exit status."""
    # The server's torch has read its number of threads: another one takes a process of its own.
    fits = os.environ.get("OMP_NUM_THREADS") == "1"
    served = arguments[:1] == ["-m"] and arguments[1].startswith(SERVED)
    if program == "python" and not (fits and served):
        os.execv(sys.executable, [sys.executable, *arguments])
    told = {
        "program": program,
        "arguments": arguments,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        message = json.dumps(told).encode() + b"\n"
        sent = socket.send_fds(connection, [message], [0, 1, 2])
        connection.sendall(message[sent:])
        status = connection.recv(1)
    return status[0] if status else 1


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
    else:
        sys.exit(call(sys.argv[1], sys.argv[2], sys.argv[3:]))

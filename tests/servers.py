"""Servers on this machine's loopback, to stand for those that share a project's files."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncssh
from cheroot import wsgi
from moto.server import ThreadedMotoServer
from wsgidav.wsgidav_app import WsgiDAVApp


@contextmanager
def ssh_server(root: Path, key: Path) -> Iterator[int]:
    """The port of an SSH server with the root folder `root`, for who has the key written to `key`.

    It serves SFTP alone, and its host key is new each time.
    """
    private = asyncssh.generate_private_key("ssh-ed25519")
    private.write_private_key(key)
    key.chmod(0o600)
    allowed = asyncssh.import_authorized_keys(private.export_public_key().decode())
    root.mkdir(parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    listening = asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=allowed,
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
    )
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.get_port()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@contextmanager
def s3_server() -> Iterator[int]:
    """The port of a server that speaks S3 and keeps everything in memory."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        yield server.get_host_and_port()[1]
    finally:
        server.stop()


@contextmanager
def webdav_server(root: Path, user: str, password: str) -> Iterator[int]:
    """The port of a WebDAV server of the folder `root`."""
    root.mkdir(parents=True, exist_ok=True)
    application = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(root)},
            "simple_dc": {"user_mapping": {"*": {user: {"password": password}}}},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), application)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]


@contextmanager
def http_server(root: Path) -> Iterator[tuple[int, list[str]]]:
    """The port of a web server of the folder `root`, and what was asked of it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root))) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, server.asked  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()

"""A peer that need not speak HTTP properly: a script talks over the bare socket once a request has arrived."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Talk = Callable[[socket.socket, threading.Event], None]
"""Answers one request on the socket; the event says that the test is over."""


class RawServer:
    """Where it listens, and the head of every request it could read."""

    def __init__(self, port: int, scheme: str) -> None:
        self.base_url = f"{scheme}://127.0.0.1:{port}/trade-api/v2"
        self.heads: list[bytes] = []
        self.connections = 0


@contextmanager
def raw_server(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serves every connection in a thread of its own until the test leaves."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = RawServer(listener.getsockname()[1], "https" if tls else "http")

        def serve(peer: socket.socket) -> None:
            # Whatever the client does to the connection is its right: a talk that breaks off has done its work.
            with contextlib.suppress(OSError), peer:
                peer.settimeout(5)
                spoken = tls.wrap_socket(peer, server_side=True) if tls else peer
                with spoken:
                    server.heads.append(head_of(spoken))
                    talk(spoken, over)

        def accept() -> None:
            # A client that gave up early has still called: whoever waits at the end is heard, too.
            while True:
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    if over.is_set():
                        return
                    continue
                server.connections += 1
                threads.append(threading.Thread(target=serve, args=(peer,)))
                threads[-1].start()

        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield server
        finally:
            over.set()
            threads[0].join()
            for thread in threads:
                thread.join()


def says(answer: bytes) -> Talk:
    """Sends the bytes and closes."""
    return lambda peer, _over: peer.sendall(answer)


def drips(begin: bytes, drop: bytes, *, pause_s: float = 0.01) -> Talk:
    """Sends `begin`, then `drop` again and again."""

    def talk(peer: socket.socket, over: threading.Event) -> None:
        peer.sendall(begin)
        while not over.wait(pause_s):
            peer.sendall(drop)

    return talk


def floods(begin: bytes, block: bytes, times: int) -> Talk:
    """Sends `begin`, then `block` as often as said, as fast as it is read."""

    def talk(peer: socket.socket, over: threading.Event) -> None:
        peer.sendall(begin)
        for _ in range(times):
            peer.sendall(block)

    return talk


def resets(peer: socket.socket, over: threading.Event) -> None:
    """Ends the connection with a reset."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def stays_silent(peer: socket.socket, over: threading.Event) -> None:
    over.wait(10)


_LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def self_signed(folder: Path, certified: x509.GeneralName = _LOOPBACK) -> ssl.SSLContext:
    """A server's TLS context with a certificate that nobody vouches for; it is in `folder`/server.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName([certified]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def head_of(peer: socket.socket) -> bytes:
    """Reads one request without a body; empty when the peer hung up."""
    head = b""
    while b"\r\n\r\n" not in head and (more := peer.recv(65536)):
        head += more
    return head

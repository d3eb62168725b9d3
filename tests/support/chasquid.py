"""The mail server chasquid, with a folder, a certificate and users of its own.

It delivers to a shell that stores each message in a file. It needs no root, no system service and no fixed port.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from command_line import free_ports, takes_connections, wait_until
from machine import RequireProgram

# Protocol buffers' text format (chasquid.conf(5)). The words after the script are its $0, $1 and $2; by default
# chasquid drops what follows a + and every dot in a local part.
CONFIG = """\
hostname: "localhost"
smtp_address: "127.0.0.1:{smtp}"
submission_address: "127.0.0.1:{submission}"
submission_over_tls_address: "127.0.0.1:{submission_over_tls}"
mail_delivery_agent_bin: "/bin/sh"
mail_delivery_agent_args: "-c"
mail_delivery_agent_args: "{{ printf '%s\\\\n%s\\\\n' \\"$1\\" \\"$2\\"; cat; }} >\\"$(mktemp \\"$0/XXXXXXXX\\")\\""
mail_delivery_agent_args: "{inbox}"
mail_delivery_agent_args: "%from%"
mail_delivery_agent_args: "%to%"
suffix_separators: ""
drop_characters: ""
data_dir: "{data}"
mail_log_path: "<stderr>"
"""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as it was delivered, with Unix line ends."""

    mail_from: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Chasquid:
    """A running server. `submission` starts unencrypted and offers STARTTLS, `submission_over_tls` is implicit TLS."""

    process: subprocess.Popen[bytes]
    folder: Path
    submission: int
    submission_over_tls: int

    @property
    def authority(self) -> Path:
        """The CA certificate of the server, which is called localhost."""
        return self.folder / "ca.pem"

    def delivered(self) -> list[Delivered]:
        """All delivered messages, once the queue is empty: a message is queued before its dot is answered."""
        queue = self.folder / "data" / "queue"
        wait_until(self.process, lambda: not any(queue.iterdir()), "a message was never delivered")
        return [_read(path) for path in sorted((self.folder / "inbox").iterdir())]

    def forget(self) -> None:
        self.delivered()
        for path in (self.folder / "inbox").iterdir():
            path.unlink()

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")


@contextmanager
def chasquid(require_program: RequireProgram, users: Mapping[str, str]) -> Iterator[Chasquid]:
    """The server with these addresses and their passwords; mail to other addresses in their domains is refused."""
    program, tool = require_program("chasquid"), require_program("chasquid-util")
    with tempfile.TemporaryDirectory(prefix="chasquid-") as name:
        folder = Path(name)
        smtp, submission, over_tls = free_ports(3)
        for needed in ("data", "inbox", "certs/localhost"):
            (folder / needed).mkdir(parents=True)
        (folder / "chasquid.conf").write_text(
            CONFIG.format(
                smtp=smtp,
                submission=submission,
                submission_over_tls=over_tls,
                inbox=folder / "inbox",
                data=folder / "data",
            )
        )
        _write_certificate(folder)
        for address, password in users.items():
            (folder / "domains" / address.rpartition("@")[2]).mkdir(parents=True, exist_ok=True)
            added = subprocess.run(
                [tool, f"-C={folder}", "user-add", address, f"--password={password}"], capture_output=True, timeout=600
            )
            assert added.returncode == 0, added.stdout + added.stderr
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, "-config_dir", folder], stdout=log, stderr=log)
            server = Chasquid(process, folder, submission, over_tls)
            try:
                for port in (submission, over_tls):
                    wait_until(process, lambda port=port: takes_connections(port), "chasquid did not come up")
                yield server
            finally:
                process.kill()
                process.wait(30)


def _write_certificate(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "certs" / "localhost" / "privkey.pem")
    chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
    (folder / "certs" / "localhost" / "fullchain.pem").write_bytes(chain)


def _read(path: Path) -> Delivered:
    mail_from, recipient, data = path.read_bytes().split(b"\n", 2)
    return Delivered(mail_from.decode(), recipient.decode(), data)

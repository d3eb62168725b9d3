"""The IMAP server Dovecot, with a folder, a certificate and a user of its own.

Its mail is a Maildir that tests may inspect. It runs as the current user, on a free port of this machine.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme
from command_line import free_ports, takes_connections, wait_until
from machine import RequireProgram

USER, PASSWORD = "bounce@example.com", "the-password-of-bounces"

CONFIG = """\
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
ssl = required
auth_failure_delay = 0 secs
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail
imap_capability = {capability}
{passdb}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
"""
BY_PASSWORD = f"""\
passdb {{
  driver = static
  args = password={PASSWORD}
}}"""
BY_TOKEN = """\
auth_mechanisms = xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}"""
INTROSPECTION = """\
introspection_mode = post
introspection_url = {url}
username_attribute = username
username_format = %u
active_attribute = active
active_value = true
"""
"""Dovecot posts the token to the authorization server, which returns its owner (RFC 7662)."""

WITHOUT_MOVE = "IMAP4rev1 UIDPLUS LITERAL+ ID"


@dataclass(frozen=True, slots=True)
class Dovecot:
    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    owner: int

    @property
    def url(self) -> str:
        return f"imaps://{USER.replace('@', '%40')}@localhost:{self.port}/INBOX"

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"

    def put(self, name: str, raw: bytes, folder: str = "") -> None:
        """Deliver a message as a mail server does: written elsewhere, then renamed into the folder."""
        mail = self.folder / "mail" / folder
        path = mail / "tmp" / name
        path.write_bytes(raw.replace(b"\r\n", b"\n"))
        os.chown(path, self.owner, -1)
        path.rename(mail / "new" / name)

    def names(self, folder: str = "") -> dict[str, str]:
        """The messages in a folder, with their flags, by the name given to `put`."""
        mail = self.folder / "mail" / folder
        files = [path.name for part in ("new", "cur") if (mail / part).is_dir() for path in (mail / part).iterdir()]
        return {name.partition(":2,")[0].partition(",")[0]: name.partition(":2,")[2] for name in files}

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")


@contextmanager
def dovecot(require_program: RequireProgram, capability: str = "", introspection_url: str = "") -> Iterator[Dovecot]:
    """With `introspection_url` it accepts access tokens (XOAUTH2) only, and asks there for their owner."""
    program = require_program("dovecot", "/usr/sbin/dovecot")
    root = os.geteuid() == 0
    owner, group = (65534, 65534) if root else (os.geteuid(), os.getegid())  # Dovecot refuses to serve root's own mail
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (port,) = free_ports(1)
        _write_certificate(folder)
        for part in ("cur", "new", "tmp"):
            (folder / "mail" / part).mkdir(parents=True)
        for path in (folder / "mail", *(folder / "mail").iterdir()):
            os.chown(path, owner, group)
        me = getpass.getuser()
        users = {"internal": "dovecot", "login": "dovenull", "group": "dovecot"} if root else {}
        users = users or {"internal": me, "login": me, "group": me}
        places = {"folder": folder, "port": port, "uid": owner, "gid": group}
        passdb = BY_TOKEN.format(folder=folder) if introspection_url else BY_PASSWORD
        config = CONFIG.format(passdb=passdb, capability=capability, **users, **places)
        (folder / "oauth2.conf").write_text(INTROSPECTION.format(url=introspection_url))
        (folder / "dovecot.conf").write_text(config)
        process = subprocess.Popen([program, "-F", "-c", folder / "dovecot.conf"], start_new_session=True)
        try:
            wait_until(process, lambda: takes_connections(port), "dovecot did not come up")
            yield Dovecot(process, folder, port, owner)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its child processes would outlive it for seconds
            process.wait(30)
            shutil.rmtree(folder / "run", ignore_errors=True)


def _write_certificate(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(each.bytes() for each in certificate.cert_chain_pems))

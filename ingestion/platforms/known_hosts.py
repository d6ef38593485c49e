"""SFTP to servers that the user knows: one whose key is not in `known_hosts` is refused, never trusted anew.

In: an address and an account. Out: a file system. Which files are wanted is not known here.

Its parent accepts any server's key unseen, so that whoever stands in between could pass for the server.
"""

from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem


class KnownHostsSFTP(SFTPFileSystem):  # type: ignore[misc]
    """A file system over SFTP that checks the server's key against the user's `known_hosts`."""

    def __init__(self, host: str, *, silence_seconds: float, **ssh: Any) -> None:
        """Connects.

        Args:
            host: The server.
            silence_seconds: How long the server may stay silent, in every phase.
            ssh: Arguments of paramiko's `SSHClient.connect`.

        Raises:
            paramiko.SSHException: The server's key is unknown or another one, or the account is refused.
            OSError: The server cannot be reached.
        """
        self.silence_seconds = silence_seconds
        super().__init__(host, host_key_policy="reject", **ssh)

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(self.host_key_policy)
        silence = self.silence_seconds
        self.client.connect(
            self.host, timeout=silence, banner_timeout=silence, auth_timeout=silence, **self.ssh_kwargs
        )
        self.ftp = self.client.open_sftp()
        if channel := self.ftp.get_channel():
            channel.settimeout(silence)

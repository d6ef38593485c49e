"""How the places of drops are reached: which secrets each takes, and what went wrong, said safely.

In: a source whose drop has a scheme, and its connection, if any. Out: an fsspec file system, and faults.
Which files are wanted is `remote`'s business.

- `s3`: `username` and `password` are the access key and its secret, `token` a session's, `server` the
  endpoint of a store that is not Amazon's. Without a connection: what the environment gives every S3 client.
- `sftp`: `username` and `password`, else the user's own SSH keys and agent. The server's key must stand in
  the user's `known_hosts`.
- Others are reached by whatever fsspec packages are installed, with secrets from the environment. Web servers
  are `web_folder`'s business.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ingestion.export_fault import ExportFault
from ingestion.platforms import http
from ingestion.platforms.http_address import server_address
from ingestion.platforms.web_folder import shown
from ingestion.programme.model import Connection, Source


@contextmanager
def told(source: Source) -> Iterator[None]:
    """Turns whatever a place raises into a fault; its words may hold a secret, so only its kind is told."""
    place = f"source {source.source} pulls {shown(source.pull.drop or '')}, but"
    try:
        yield
    except ExportFault:
        raise
    except Exception as error:
        raise _fault(place, error) from error


def open_place(source: Source, connection: Connection | None) -> Any:
    """Opens the file system of a source's drop, asked anew at every pull: nothing of it is remembered.

    Args:
        source: The source.
        connection: Its connection, if it names one.

    Raises:
        ExportFault: A secret is not set, or the place takes no connection. What else goes wrong is raised as
            the place's own library does, so call it within `told`.
    """
    import fsspec

    scheme = urlsplit(source.pull.drop or "").scheme
    fresh: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if scheme == "sftp":
        from ingestion.platforms.known_hosts import KnownHostsSFTP

        return KnownHostsSFTP(**_sftp_options(source, connection))
    if scheme == "s3":
        return fsspec.filesystem("s3", **_s3_options(source, connection), **fresh)
    if connection:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} gives a connection, which {scheme}:// has no use for",
            "remove pull.connection, and give its secrets as the place's own tools read them",
        )
    try:
        return fsspec.get_filesystem_class(scheme)(**fresh)
    except (ImportError, ValueError) as error:
        raise ExportFault(
            "sources.yml",
            f"source {source.source} pulls from {scheme}://, for which no package is installed",
            "use s3, sftp or https, or install the package that gives fsspec this scheme",
        ) from error


def _account(source: Source, connection: Connection | None) -> tuple[str | None, str | None]:
    name = source.pull.connection or ""
    user, password = (connection.username, connection.password) if connection else (None, None)
    return (
        http.secret(name, "username", user) if user else None,
        http.secret(name, "password", password) if password else None,
    )


def _sftp_options(source: Source, connection: Connection | None) -> dict[str, Any]:
    parts = urlsplit(source.pull.drop or "")
    user, password = _account(source, connection)
    own_keys = password is None
    return {
        "host": parts.hostname or "",
        "port": parts.port or 22,
        "username": user or parts.username,
        "password": password,
        "allow_agent": own_keys,
        "look_for_keys": own_keys,
        "silence_seconds": http.TIMEOUT_SECONDS,
        "skip_instance_cache": True,
    }


def _s3_options(source: Source, connection: Connection | None) -> dict[str, Any]:
    name = source.pull.connection or ""
    config: dict[str, Any] = {
        "connect_timeout": http.TIMEOUT_SECONDS,
        "read_timeout": http.TIMEOUT_SECONDS,
        "retries": {"mode": "standard", "max_attempts": 5},
    }
    options: dict[str, Any] = {"config_kwargs": config}
    if connection is None:
        return options
    options["key"], options["secret"] = _account(source, connection)
    if connection.token:
        options["token"] = http.secret(name, "token", connection.token)
    if connection.server:
        options["endpoint_url"] = str(server_address(name, connection)).rstrip("/")
        # Stores that are not Amazon's seldom have a name of their own for every bucket.
        config["s3"] = {"addressing_style": "path"}
    return options


def _fault(place: str, error: Exception) -> ExportFault:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = str(error)
    if "BadHostKeyException" in kinds or "not found in known_hosts" in said:
        known = (
            "is another than known_hosts says" if "BadHostKeyException" in kinds else "is not in known_hosts"
        )
        return ExportFault(
            "sources.yml",
            f"{place} the server's key {known}",
            "enter it with ssh-keyscan, and compare its fingerprint with what its operator tells you",
        )
    if (
        kinds & {"AuthenticationException", "PermissionError", "NoCredentialsError"}
        or "no authentication" in said.lower()
    ):
        return ExportFault(
            "sources.yml",
            f"{place} the account is refused",
            "check the connection's secrets and the account's rights",
        )
    if "FileNotFoundError" in kinds:
        return ExportFault("sources.yml", f"{place} it does not exist", "create it, or correct pull.drop")
    return ExportFault(
        "sources.yml",
        f"{place} the place did not answer as it should ({type(error).__name__})",
        "check the address and the network, then pull again",
    )

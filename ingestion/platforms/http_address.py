"""Addresses: to which server a connection's requests, and the secrets in them, may go.

In: a connection, and links that a server hands out. Out: addresses on the connection's own server, or a
fault. Nothing is sent from here.
"""

import ipaddress
from urllib.parse import urljoin

import httpx

from ingestion.export_fault import ExportFault
from ingestion.programme.model import Connection

_PORTS = {"http": 80, "https": 443}


def server_address(name: str, connection: Connection) -> httpx.URL:
    """The address of a connection's server, ending in a slash.

    Args:
        name: The connection's name, for messages.
        connection: The connection.

    Raises:
        ExportFault: There is none, it is no web address, it holds a secret, or it would carry one in clear.
    """
    if not connection.server:
        raise ExportFault(
            "connections.yml", f"the connection {name} names no server", "add server: https://..."
        )
    try:
        url = httpx.URL(connection.server.rstrip("/") + "/")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in _PORTS or not url.host or url.query or url.fragment:
        raise ExportFault(
            "connections.yml",
            f"the server of the connection {name} is not a web address",
            "write server: https://host, with the path in front of the API where there is one",
        )
    if url.userinfo:
        raise ExportFault(
            "connections.yml",
            f"the server of the connection {name} holds an account",
            "take it out of the address and name environment variables in username and password",
        )
    has_secret = connection.token or connection.username or connection.password
    if has_secret and url.scheme == "http" and not is_loopback(url):
        raise ExportFault(
            "connections.yml",
            f"the connection {name} would send its secrets unencrypted to {url.host}",
            "write server: https://...; a server without https is reached through a tunnel to localhost",
        )
    return url


def is_loopback(url: httpx.URL) -> bool:
    """Whether an address is this machine's own."""
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def is_same_server(url: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses have scheme, host and port in common."""
    return _origin(url) == _origin(other)


def link_on(server: httpx.URL, link: str, page: str = "") -> httpx.URL | None:
    """A link that a server handed out, as an address on that server; None if it leads elsewhere.

    A server behind a proxy often hands out `http://` although it is reached by https: then https is kept.

    Args:
        server: The server's address.
        link: The link: absolute, or relative to the page.
        page: The path, below the server's address, of the page that held it.
    """
    try:
        url = httpx.URL(urljoin(str(server) + page.lstrip("/"), link.strip()))
    except (httpx.InvalidURL, ValueError):
        return None
    if url.scheme == "http" and server.scheme == "https" and url.port is None:
        url = url.copy_with(scheme="https", port=server.port)
    return url if is_same_server(url, server) and not url.userinfo else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)

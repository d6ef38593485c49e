"""ODK Central's sessions: an account for a token that lasts 24 hours, and the words of a refusal.

In: a connection. Out: requests that are signed. Not by basic authentication, which is slow there, and
switched off where accounts come from elsewhere. What is asked within a session is the business of
`odk_central_api`.
"""

from collections.abc import Generator
from typing import Any

import httpx

from ingestion.platforms.http import Api, secret
from ingestion.programme.model import Connection

_NOT_ALLOWED = 401


class Session(httpx.Auth):
    """Signs requests with a session's token; one that is no longer taken is replaced once by a new one.

    Args:
        api: The client.
        connection: The connection, which names the variables of e-mail and password.
    """

    def __init__(self, api: Api, connection: Connection) -> None:
        self.api = api
        self.account = {
            "email": secret(api.name, "username", connection.username),
            "password": secret(api.name, "password", connection.password),
        }
        self.token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs a request, and once more after a refusal."""
        if not self.token:
            self.log_in()
        request.headers["Authorization"] = f"Bearer {self.token}"
        response = yield request
        if response.status_code == _NOT_ALLOWED:
            self.log_in()
            request.headers["Authorization"] = f"Bearer {self.token}"
            yield request

    def log_in(self) -> None:
        """Opens a session; raises ExportFault."""
        path = "/v1/sessions"
        said = said_json(self.api.post(path, json=self.account, auth=None))
        token = said.get("token") if isinstance(said, dict) else None
        if not isinstance(token, str):
            raise self.api.fault(path, "opens no session", "write the server's address without any path")
        self.token = token


def said_json(response: httpx.Response) -> Any:
    """What an answer says, None where it is no JSON."""
    try:
        return response.json()
    except ValueError:
        return None


def told(response: httpx.Response) -> str:
    """Code and message of a refusal, e.g. `401.2: Could not authenticate with the provided credentials`."""
    said = said_json(response)
    if not isinstance(said, dict) or "code" not in said:
        return ""
    return f"{said['code']}: {str(said.get('message', ''))[:200].rstrip('.')}"

"""An OAuth 2.0 server that follows a script: tokens by device code and by refresh (RFC 8628, 6749), and introspection
(RFC 7662) for a mail server. It keeps count, and a token that it has revoked is inactive."""

import base64
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


class ScriptedOAuth:
    """Running while the context is entered, over TLS where a certificate is given."""

    def __init__(self, user: str, certificate: Path | None = None, key: Path | None = None) -> None:
        self.user = user
        self.lives = 3600  # seconds a token lives, as it says
        self.tokens: list[str] = []
        self.active: set[str] = set()
        self.asked: list[str] = []  # the grants
        self.refuses_refresh = False
        self._scope = ""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(owner.answer(self.path, ""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self._say(owner.answer(self.path, body))

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _say(self, answer: tuple[int, dict[str, Any]]) -> None:
                code, document = answer
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"

    def __enter__(self) -> "ScriptedOAuth":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"{self.scheme}://localhost:{self._server.server_port}"

    def mint(self) -> str:
        """A token that is good until it is revoked."""
        token = f"token-{len(self.tokens) + 1}"
        self.tokens.append(token)
        self.active.add(token)
        return token

    def revoke(self) -> None:
        """None of the tokens so far is good any more."""
        self.active.clear()

    def answer(self, target: str, body: str) -> tuple[int, dict[str, Any]]:
        """What it says to a request."""
        path = urlsplit(target).path
        words = {name: values[0] for name, values in parse_qs(body or urlsplit(target).query).items()}
        if path.endswith("/openid-configuration"):
            return 200, self._configuration(path.split("/")[1])
        if path.endswith("/devicecode"):
            self._scope = words["scope"]
            place = f"{self.address}/device"
            return 200, {
                "device_code": "the-device",
                "user_code": "ABCD-EFGH",
                "verification_uri": place,
                "interval": 1,
                "expires_in": 900,
                "message": f"open {place}",
            }
        if path.endswith("/introspect"):
            token = words.get("token", "") or target.rpartition("/introspect/")[2]
            return 200, {"active": True, "email": self.user} if token in self.active else {"active": False}
        return self._grant(words)

    def _grant(self, words: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(words.get("grant_type", ""))
        if words.get("grant_type") == "refresh_token" and self.refuses_refresh:
            return 400, {"error": "invalid_grant", "error_description": "AADSTS70008: it has expired.\nTrace: 1"}
        claims = {"preferred_username": self.user, "oid": "1", "tid": "2", "sub": "3", "aud": words.get("client_id")}
        claims |= {"iss": f"{self.address}/organizations/v2.0", "exp": 4_000_000_000, "iat": 1_000_000_000}
        return 200, {
            "access_token": self.mint(),
            "token_type": "Bearer",
            "expires_in": self.lives,
            "refresh_token": f"refresh-{len(self.tokens)}",
            "scope": words.get("scope", self._scope),
            "id_token": f"{_part({'alg': 'none'})}.{_part(claims)}.",
            "client_info": _part({"uid": "1", "utid": "2"}),
        }

    def _configuration(self, tenant: str) -> dict[str, str]:
        base = f"{self.address}/{tenant}/oauth2/v2.0"
        return {
            "issuer": f"{self.address}/{tenant}/v2.0",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "device_authorization_endpoint": f"{base}/devicecode",
        }


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")

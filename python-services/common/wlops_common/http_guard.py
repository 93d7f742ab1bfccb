"""The door of a service: gives every request an id, lets nobody in without a token, and refuses bodies no request needs.

Everything is closed unless it is listed as open, so a route added later is closed too. It stands in front of the routing, so a body
is not read before its sender is known.
"""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wlops_common.auth import verify_service_token
from wlops_common.errors import RequestTooLarge, Unauthenticated
from wlops_common.http_errors import MAX_BODY_BYTES, error_response, too_large

OPEN_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/openapi.json", "/docs"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class HttpGuard:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, *, secret: str, audience: str) -> None:
        self._app = app
        self._secret = secret
        self._audience = audience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; only HTTP requests are guarded, there is nothing else but the lifespan."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        if scope["path"] not in OPEN_PATHS:
            try:
                verify_service_token(headers.get("authorization"), self._secret, self._audience)
            except Unauthenticated as fault:
                await error_response(fault, request_id)(scope, receive, send_with_id)
                return
        if int(headers.get("content-length", "0")) > MAX_BODY_BYTES:
            await error_response(too_large(), request_id)(scope, receive, send_with_id)
            return
        await self._app(scope, _limited(receive), send_with_id)


def _limited(receive: Receive) -> Receive:
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            # The framework lets nothing but its own exception through while it reads a body.
            raise HTTPException(RequestTooLarge.http_status)
        return message

    return receive_counted

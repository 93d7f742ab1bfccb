"""Faults as HTTP answers: one body, ``{"error": {code, message, requestId, details?}}``, one status per fault class.

Faults without a code become 500 ``INTERNAL`` and show nothing of themselves outside.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from wlops_common.errors import (
    InternalFault,
    MethodNotAllowed,
    RequestTooLarge,
    RouteNotFound,
    ValidationFailed,
    WlopsError,
)

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024
#: Seconds a caller is asked to wait before it tries again what can succeed later.
_RETRY_AFTER_SECONDS = 5


def error_response(fault: WlopsError, request_id: str) -> JSONResponse:
    """The answer to a request that ended in ``fault``."""
    error: dict[str, Any] = {"code": fault.code, "message": fault.message, "requestId": request_id}
    if fault.details is not None:
        error["details"] = fault.details
    headers = {}
    if fault.retryable:
        headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    if fault.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": error}, fault.http_status, headers)


def too_large() -> RequestTooLarge:
    """The fault of a body beyond ``MAX_BODY_BYTES``."""
    return RequestTooLarge(f"A request has at most {MAX_BODY_BYTES} bytes.")


def request_id_of(request: Request) -> str:
    """The id the guard gave to a request."""
    return str(request.scope["request_id"])


def install_error_handlers(app: FastAPI) -> None:
    """Answer every fault of ``app`` in the common form."""
    app.add_exception_handler(WlopsError, _on_wlops_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unknown_fault)


async def _on_wlops_error(request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, WlopsError)  # noqa: S101 - registered for this class
    if fault.detail:
        log.info(
            fault.message,
            extra={"fields": {"code": fault.code, "detail": fault.detail, "requestId": request_id_of(request)}},
        )
    return error_response(fault, request_id_of(request))


async def _on_validation_error(request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, RequestValidationError)  # noqa: S101 - registered for this class
    fields = [{"field": _field(error["loc"]), "message": error["msg"]} for error in fault.errors()]
    first = fields[0]
    return error_response(
        ValidationFailed(f"{first['field']}: {first['message']}", details={"fields": fields}), request_id_of(request)
    )


def _field(location: tuple[int | str, ...]) -> str:
    """``source.key`` for ("body", "source", "key"); parts of a union that pydantic adds are kept, they help."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


async def _on_http_exception(request: Request, fault: Exception) -> JSONResponse:
    assert isinstance(fault, HTTPException)  # noqa: S101 - registered for this class
    known: dict[int, WlopsError] = {
        404: RouteNotFound(f"There is no route {request.url.path}."),
        405: MethodNotAllowed(f"{request.url.path} does not answer to {request.method}."),
        413: too_large(),
    }
    return error_response(known.get(fault.status_code, ValidationFailed(str(fault.detail))), request_id_of(request))


async def _on_unknown_fault(request: Request, fault: Exception) -> JSONResponse:
    log.error(
        "request failed",
        exc_info=fault,
        extra={"fields": {"path": request.url.path, "requestId": request_id_of(request)}},
    )
    return error_response(
        InternalFault("The service met a fault of its own; its log has the detail."), request_id_of(request)
    )

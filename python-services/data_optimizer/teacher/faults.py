"""Why an endpoint gave no answer, in words for people that hold nothing of the key and nothing that was sent."""

from __future__ import annotations

import json
import re

import httpx

#: What of a refusal is told: a word such as ``insufficient_quota``.
_CODE = re.compile(r"[A-Za-z][A-Za-z_]{2,63}")


class TeacherFault(Exception):
    """The endpoint gave no answer; the message says why."""


class Passing(Exception):
    """A fault that may pass, with the seconds that the endpoint asks to wait, if it does."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class OlderName(Exception):
    """The endpoint wants the bound of an answer by its newer name."""


def fault_of(response: httpx.Response, refusal: bytes, key: str) -> TeacherFault | Passing:
    """The fault of a response that is no answer, with the endpoint's own word for why, unless that is of the key."""
    status = response.status_code
    code = _code_of(refusal)
    is_told = code and not (key and (code in key or key in code))
    told = f"status {status} ({code})" if is_told else f"status {status}"
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        return Passing(f"it answered with {told}", float(after) if after.isdecimal() else None)
    return TeacherFault(f"it refused with {told}")


def _code_of(refusal: bytes) -> str:
    """The code, or else the type, that an error of the interface names; empty where it names none that is a word."""
    try:
        error = json.loads(refusal)["error"]
        named = [error.get("code"), error.get("type")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return next((name for name in named if isinstance(name, str) and _CODE.fullmatch(name)), "")

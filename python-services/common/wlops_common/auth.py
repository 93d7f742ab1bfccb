"""Service tokens: who may call a service. A JWT signed HS256 with the shared secret, for one audience, living five minutes at most.

Not here: users and their rights, which the API has settled before a service is called.
"""

from __future__ import annotations

import time
from typing import Any

import jwt

from wlops_common.errors import Unauthenticated

ISSUER = "wlops"
MAX_LIFETIME_SECONDS = 300
#: Clocks of two machines may differ by this much.
CLOCK_SKEW_SECONDS = 5


def audience_of(service: str) -> str:
    """The audience a token for ``service`` must name."""
    return f"wlops-{service}"


def sign_service_token(secret: str, audience: str, *, lifetime_seconds: int = 60) -> str:
    """A token for ``audience`` that lives ``lifetime_seconds`` from now."""
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + lifetime_seconds}
    return jwt.encode(claims, secret, algorithm="HS256")


def verify_service_token(authorization: str | None, secret: str, audience: str) -> None:
    """Check the value of an Authorization header. Raises ``Unauthenticated`` with the reason in ``detail``, for the log only."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("A bearer token is needed.")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience=audience,
            issuer=ISSUER,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.InvalidTokenError as fault:
        raise Unauthenticated("The bearer token is not valid.", detail=str(fault)) from fault
    if claims["exp"] > time.time() + MAX_LIFETIME_SECONDS + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The bearer token is not valid.", detail="exp is too far ahead")

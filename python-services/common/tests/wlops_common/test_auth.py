from __future__ import annotations

import time

import jwt
import pytest

from wlops_common.auth import audience_of, sign_service_token, verify_service_token
from wlops_common.errors import Unauthenticated

SECRET = "a-secret-of-the-tests-that-is-long-enough"
AUDIENCE = audience_of("trainer")


def _token(**changes: object) -> str:
    claims = {"iss": "wlops", "aud": AUDIENCE, "exp": int(time.time()) + 60, **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, SECRET, algorithm="HS256")


def test_a_signed_token_for_this_audience_opens() -> None:
    verify_service_token(f"Bearer {sign_service_token(SECRET, AUDIENCE)}", SECRET, AUDIENCE)
    verify_service_token(f"Bearer {_token()}", SECRET, AUDIENCE)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "wlops-evaluator"},
        {"aud": None},
        {"iss": "somebody"},
        {"iss": None},
        {"exp": None},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 600},
    ],
    ids=str,
)
def test_a_token_with_wrong_claims_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        verify_service_token(f"Bearer {_token(**changes)}", SECRET, AUDIENCE)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused(algorithm: str) -> None:
    claims = {"iss": "wlops", "aud": AUDIENCE, "exp": int(time.time()) + 60}
    token = jwt.encode(claims, SECRET * 2, algorithm=algorithm)
    with pytest.raises(Unauthenticated):
        verify_service_token(f"Bearer {token}", SECRET * 2, AUDIENCE)


def test_an_unsigned_token_is_refused() -> None:
    claims = {"iss": "wlops", "aud": AUDIENCE, "exp": int(time.time()) + 60}
    with pytest.raises(Unauthenticated):
        verify_service_token(f"Bearer {jwt.encode(claims, None, algorithm='none')}", SECRET, AUDIENCE)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", f"Token {_token()}", "Bearer nonsense"])
def test_anything_but_a_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        verify_service_token(header, SECRET, AUDIENCE)


def test_the_reason_is_for_the_log_only() -> None:
    with pytest.raises(Unauthenticated) as caught:
        verify_service_token(f"Bearer {_token(aud='wlops-evaluator')}", SECRET, AUDIENCE)
    assert "udience" not in caught.value.message
    assert "udience" in (caught.value.detail or "")

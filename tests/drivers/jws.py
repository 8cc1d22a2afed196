"""Verification tokens made (trust.md 4) and security tokens held against trust.md 5."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dsig import Signer

# Always there; `mcheck`, `dir` and `status` depend on method, directory entry and status list.
ALWAYS = {"iss", "jti", "iat", "nbf", "exp", "sub", "uin", "cbin", "services", "method", "rid", "data", "edition"}
SOMETIMES = {"mcheck", "ground", "dir", "dir_revision", "status"}


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ovt_claims(cbin: str, now: int, mcheck: str = "OTP", **more: Any) -> dict[str, Any]:
    return {"cbin": cbin, "mcheck": mcheck, "iat": now, "exp": now + 3600, **more}


def ovt(signer: Signer, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
    """A well-made token, by PyJWT."""
    return jwt.encode(claims, signer.private_key, algorithm="RS256", headers=headers)


def raw_rs256(signer: Signer, header: bytes, payload: bytes) -> str:
    """A token over exactly these bytes, for shapes that PyJWT refuses to make."""
    signed = f"{b64url(header)}.{b64url(payload)}"
    signature = signer.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{b64url(signature)}"


def hs256_with_public_key(signer: Signer, claims: dict[str, Any]) -> str:
    """The classic confusion: HMAC whose secret is the public key's PEM."""
    pem = signer.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = b'{"alg":"HS256","typ":"JWT"}'
    signed = f"{b64url(header)}.{b64url(json.dumps(claims).encode())}"
    return f"{signed}.{b64url(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none")


@dataclass(frozen=True)
class Expected:
    """What the request asked for, to be found in the token."""

    uin: str
    cbin: str
    services: set[str]
    method: int
    now: int
    data: str | None = None
    mcheck: str | None = None
    directory_id: str | None = None
    ground: str | None = None
    life_seconds: int | None = None
    request_id: str | None = None


def check_security_token(token: str, jwks: dict[str, Any], public_key: str, expected: Expected) -> dict[str, Any]:
    """Both ways of getting the key must give the same claims, and they must be those of trust.md 5."""
    header = jwt.get_unverified_header(token)
    assert set(header) == {"alg", "typ", "kid"}, f"header members {sorted(header)}"
    assert (header["alg"], header["typ"]) == ("RS256", "JWT"), f"alg {header['alg']}, typ {header['typ']}"
    published = jwt.PyJWKSet.from_dict(jwks)[header["kid"]]
    carried = serialization.load_der_public_key(base64.b64decode(public_key, validate=True))
    assert isinstance(carried, rsa.RSAPublicKey), "public-key is not an RSA SPKI"
    # The sandbox clock is not the host's: times are compared below.
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    by_kid = jwt.decode(token, published, algorithms=["RS256"], options=options)
    by_carried = jwt.decode(token, carried, algorithms=["RS256"], options=options)
    assert by_kid == by_carried, "JWKS and public-key give different claims"
    _check_claims(by_kid, expected)
    return by_kid


def _check_claims(claims: dict[str, Any], expected: Expected) -> None:
    names = set(claims)
    assert names >= ALWAYS, f"claims missing: {sorted(ALWAYS - names)}"
    assert names <= ALWAYS | SOMETIMES, f"claims not in trust.md 5: {sorted(names - ALWAYS - SOMETIMES)}"
    assert claims["sub"] == claims["uin"] == expected.uin, "sub, uin are not the subject"
    assert claims["cbin"] == expected.cbin, "cbin is not the initiator"
    assert isinstance(claims["services"], list) and len(claims["services"]) == len(expected.services)
    assert set(claims["services"]) == expected.services, f"services {claims['services']}"
    assert str(claims["method"]) == str(expected.method), f"method {claims['method']!r}"
    assert isinstance(claims["iss"], str) and claims["iss"], "iss is empty"
    assert isinstance(claims["jti"], str) and len(claims["jti"]) >= 16, "jti is short"
    assert claims["edition"] == "144/НҚ@2025-06-17", f"edition {claims['edition']!r}"
    for name in ("iat", "nbf", "exp"):
        assert isinstance(claims[name], int) and not isinstance(claims[name], bool), f"{name} is not a number"
    assert claims["nbf"] <= claims["iat"] < claims["exp"], "nbf ≤ iat < exp does not hold"
    assert abs(claims["iat"] - expected.now) <= 60, f"iat is {claims['iat'] - expected.now} s from the clock"
    if expected.life_seconds is not None:
        assert claims["exp"] - claims["iat"] == expected.life_seconds, f"life {claims['exp'] - claims['iat']} s"
    if expected.data is not None:
        assert claims["data"] == expected.data, f"data {claims['data']!r}"
    if expected.request_id is not None:
        assert claims["rid"] == expected.request_id, "rid is not the request_id of the answer"
    assert claims.get("dir") == expected.directory_id, f"dir {claims.get('dir')!r}"
    assert ("dir" in claims) == ("dir_revision" in claims), "the entry without its revision, or the reverse"
    assert claims.get("mcheck") == expected.mcheck, f"mcheck {claims.get('mcheck')!r}"
    assert claims.get("ground") == expected.ground, f"ground {claims.get('ground')!r}"
    if "status" in claims:
        assert set(claims["status"]) == {"status_list"}, f"status {claims['status']!r}"

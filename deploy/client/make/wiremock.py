"""Mappings of WireMock: what a client can meet, without the service. A signature is looked for, but not verified."""

import json

import world

#: By local name: payloads in a namespace and without one are one to the service.
DATA = "//*[local-name()='data']/*[local-name()='{}']/text()"
SIGNED = {"matches": "(?s).*SignatureValue.*"}
SHA1 = "//*[local-name()='DigestMethod'][contains(@Algorithm, '#sha1')]"


def says(name: str, value: str) -> dict:
    return {"matchesXPath": {"expression": DATA.format(name), "equalTo": value}}


def mappings() -> dict[str, str]:
    """A file for each. The lower the priority's number, the sooner it is tried."""
    omits, asks = says("omit-sms", "true"), says("omit-sms", "false")
    no_phone = says("uin", world.subject("no-phone"))
    repeats = {"matchesXPath": DATA.format("request_id")}
    made = {
        # A client can be led into it by its URL alone.
        "fault-by-url": (1, "changed-after-signing.SCE006.xml", [], {"mock": {"equalTo": "SCE006"}}),
        "not-signed": (2, "not-signed.SCE007.xml", [{"doesNotMatch": "(?s).*SignatureValue.*"}], {}),
        "sha-1": (3, "sha-1.SCE006.xml", [{"matchesXPath": SHA1}], {}),
        "method-1-repeat": (4, "method-1-repeat.VALID.xml", [SIGNED, repeats], {}),
        "no-phone": (5, "no-phone.NOT_FOUND.xml", [SIGNED, asks, no_phone], {}),
        "method-1": (6, "method-1.PENDING.xml", [SIGNED, asks], {}),
        "method-2": (6, "method-2.VALID.xml", [SIGNED, omits], {}),
    }
    files = {name: {
        "name": f"КДП: {name}",
        "priority": priority,
        "request": {"method": "POST", "urlPath": "/shep/sync"}
        | ({"queryParameters": query} if query else {}) | ({"bodyPatterns": patterns} if patterns else {}),
        "response": {"status": 500 if ".SCE" in body else 200, "bodyFileName": body,
                     "headers": {"Content-Type": "text/xml; charset=utf-8"}},
    } for name, (priority, body, patterns, query) in made.items()}
    files["jwks"] = {
        "name": "КДП: jwks",
        "request": {"method": "GET", "urlPath": "/.well-known/jwks.json"},
        "response": {"status": 200, "bodyFileName": "jwks.json", "headers": {"Content-Type": "application/json"}},
    }
    return {f"wiremock/mappings/{name}.json": json.dumps(file, ensure_ascii=False, indent=2) + "\n"
            for name, file in files.items()}

"""What all packs say, from one source: the world of the sandbox, the schema of the request, the contract's names."""

import re
import sys
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[1]
ROOT = CLIENT.parents[1]
sys.path.insert(0, str(ROOT / "fixtures" / "make"))

import envelope  # noqa: E402
import world  # noqa: E402
from lxml import etree  # noqa: E402

#: Where `kdp sandbox` listens unless told otherwise.
ORIGIN = "http://127.0.0.1:8414"
SYNC_URL = f"{ORIGIN}/shep/sync"
SERVICE_ID = "KDP_SERVICE"
PEER = world.PEERS["bank"]
UIN = world.subject("yes")

#: The children of data and their values: those of an ordinary request of the fixtures.
ASKED = envelope.fields("client-pack", PEER["name"])

#: Those whose values are settings of a client, by the name that a client gives them; the others are constants.
SETTINGS = {"uin": "uin", "company": "company", "company_bin": "bin", "access_name": "services"}
#: Those that a client puts there by the method.
BY_METHOD = {"omit-sms", "ovt"}

FOR_ALL = {
    "SOAP": envelope.SOAP, "SYNC": envelope.SYNC, "WSSE": envelope.WSSE, "WSU": envelope.WSU, "DS": envelope.DS,
    "X509V3": envelope.X509V3, "BASE64": envelope.BASE64, "EXC": envelope.EXC, "RSA_SHA256": envelope.RSA_SHA256,
    "SHA256": envelope.SHA256, "ORIGIN": ORIGIN, "URL": SYNC_URL, "SERVICE_ID": SERVICE_ID, "PEER": PEER["name"],
    "SENDER": PEER["sender_id"], "BIN": PEER["bin"], "COMPANY": PEER["organisation"], "UIN": UIN,
    "SERVICES": ASKED["access_name"], "NOW": world.WORLD["now"],
    "MSISDN": next(each["msisdn"] for each in world.WORLD["subjects"] if each["iin"] == UIN),
}


def order() -> list[str]:
    """The children of data that every request has, in the order of the contract."""
    schema = etree.parse(ROOT / "schemas" / "kdp-request.xsd")
    names = schema.xpath("//*[@name='getUserDataRequest']/*[local-name()='all']/*[local-name()='element']/@name")
    return [name for name in names if name in ASKED]


def lines(form: str, setting: str, omit_sms: str, constant: str = "{}") -> str:
    """A line of source for each child of data but the ovt: `form` with its name and its value."""
    made = []
    for name in order():
        if name == "ovt":
            continue
        value = constant.format(ASKED[name])
        if name == "omit-sms":
            value = omit_sms
        elif name in SETTINGS:
            value = setting.format(SETTINGS[name])
        made.append(form.format(name=name, value=value))
    return "\n".join(made)


def fill(text: str, **more: str) -> str:
    """A template with its @NAME@s replaced; every one of them must be known."""
    known = FOR_ALL | more
    return re.sub(r"@([A-Z][A-Z0-9_]*)@", lambda found: known[found.group(1)], text)


def template(name: str, **more: str) -> str:
    return fill((CLIENT / "make" / "template" / name).read_text(encoding="utf-8"), **more)

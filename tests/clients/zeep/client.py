"""KDP_SERVICE by zeep: the operation of the WSDL, and the second wrapper by the types of its schemas."""

from __future__ import annotations

import base64
import sys
from datetime import datetime
from typing import Any

import zeep
import zeep.exceptions
from lxml import etree

K = "http://service.2fa-chain.kz/ns/kdp"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def main() -> None:
    given = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin)
    client = zeep.Client(given["wsdl"], settings=zeep.Settings(strict=True))
    fields = {name.removeprefix("data."): text for name, text in given.items() if name.startswith("data.")}
    fields["omit-sms"] = {"true": True, "false": False, None: None}[fields.get("omit-sms")]
    request = {
        "requestInfo": {
            "messageId": given["messageId"],
            "serviceId": given["serviceId"],
            "messageDate": given["messageDate"],
            "sender": {"senderId": given["senderId"], "password": given["password"]},
        },
        "requestData": {"data": client.get_type(f"{{{K}}}getUserDataRequest")(**fields)},
    }
    service = client.create_service(client.service._binding.name, given["address"])
    try:
        if given["wrapper"] == "kdp":
            response = by_element(client, given["address"], request)
        else:
            response = service.SendMessage(request)
    except zeep.exceptions.Fault as fault:
        tell_fault(client, fault)
        return
    tell("info", {name: response.responseInfo.status[name] for name in ("code", "message")})
    data = response.responseData.data
    # anyType: elements of lxml, unless the answer is of the second wrapper, which has a type.
    children = {etree.QName(each).localname: each.text for each in data} if isinstance(data, list) else data.__values__
    tell("data", children)


def by_element(client: zeep.Client, address: str, request: dict[str, Any]) -> Any:
    """The WSDL has no operation for the second wrapper, but its elements."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope")
    body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
    element = client.get_element(f"{{{K}}}sendMessageRequest")
    element.render(body, element(request=request))
    binding = client.service._binding
    came = client.transport.post_xml(address, envelope, {"SOAPAction": '""'})
    body = etree.fromstring(came.content).find(f"{{{SOAP}}}Body")
    if body[0].tag == f"{{{SOAP}}}Fault":
        binding.process_error(body.getparent(), None)
    return client.get_element(f"{{{K}}}sendMessageResponse").parse(body[0], client.wsdl.types).response


def tell_fault(client: zeep.Client, fault: zeep.exceptions.Fault) -> None:
    detail = fault.detail[0]
    told = client.get_element(detail.tag).parse(detail, client.wsdl.types)
    names = ("errorCode", "errorMessage", "errorData", "errorDate", "sessionId")
    tell("fault", {"faultstring": fault.message, **{name: told[name] for name in names}})


def tell(part: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, datetime):
            print(f"{part}.{name}={value.isoformat()}")
        elif isinstance(value, bytes):
            print(f"{part}.{name}={base64.b64encode(value).decode()}")
        elif value is not None:
            print(f"{part}.{name}={value}")


if __name__ == "__main__":
    main()

"""Liberal reading (wire.md 1): every shape that working clients send gets its token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from lxml import etree

from check import Checks
from dsig import DS, KeyForm, Profile, sign
from envelope import SOAP, XS, XSI, K, T, Wrapper, build, child, find, name_in, serialise
from kdp_client import XML_HEADERS, Caller, World, assert_reply

Edit = Callable[[etree._Element], etree._Element | None]


@dataclass(frozen=True)
class Variant:
    """One way to write the same good request."""

    title: str
    edit: Edit | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    profile: Profile | None = None
    after: Callable[[bytes], bytes] | None = None
    after_signing: Edit | None = None
    headers: dict[str, str] | None = None


def run(world: World, checks: Checks) -> None:
    for label, caller in (("through shep", world.through_shep), ("direct", world.direct)):
        checks.topic(f"key forms {label}")
        for variant in key_forms():
            granted(world, caller, checks, variant)
    checks.topic("reading")
    for variant in (*wrappers(), *dates(world), *headers(), *shapes(), *payloads(), *encodings()):
        granted(world, world.through_shep, checks, variant)
    checks.topic("wrappers, methods 1 and 5")
    for wrapper in Wrapper:
        for namespace in (None, K):
            for method in ("1", "5"):
                pending(world, checks, wrapper, namespace, method)


def granted(world: World, caller: Caller, checks: Checks, variant: Variant) -> None:
    with checks.case(variant.title):
        values = caller.fields(world.sandbox.subject("yes").iin, world.services[:1], omit_sms="true", ovt=caller.ovt())
        root = build(replace(caller.message(values), **variant.changes))
        if variant.edit:
            # An edit may have to give another root, where prefixes of an existing one cannot be changed.
            edited = variant.edit(root)
            root = root if edited is None else edited
        sign(root, caller.signer, variant.profile)
        if variant.after_signing:
            variant.after_signing(root)
        body = serialise(root)
        if variant.after:
            body = variant.after(body)
        assert_reply(caller.reply(caller.line.post(body, variant.headers)), "VALID", "granted")


def pending(world: World, checks: Checks, wrapper: Wrapper, namespace: str | None, method: str) -> None:
    qualified = "qualified" if namespace else "as it comes"
    with checks.case(f"{wrapper.tag}, payload {qualified}, method {method} → PENDING, cancelled"):
        caller = world.through_shep
        world.sandbox.advance("PT25H")
        uin = world.sandbox.subject("silent").iin
        changes: dict[str, Any] = {"wrapper": wrapper, "payload_namespace": namespace}
        first = caller.send(caller.fields(uin, world.services, method=method, omit_sms="false"), **changes)
        assert_reply(first, "PENDING", "waiting")
        values = caller.fields(uin, world.services, request_id=first.request_id, cancel="true")
        assert_reply(caller.send(values, **changes), "INVALID", "cancelled")


def key_forms() -> Iterator[Variant]:
    for form in KeyForm:
        yield Variant(form.value, profile=Profile(form=form))
    yield Variant("b, issuer name in the other order", profile=Profile(KeyForm.ISSUER_SERIAL, reversed_issuer=True))
    for body_id in ("bodyId", "Body-1", "_a.b-c"):
        yield Variant(f"wsu:Id «{body_id}»", profile=Profile(body_id=body_id))
    for prefixes in ("soapenv w", "soapenv", "w soapenv unknown-prefix"):
        yield Variant(f"PrefixList «{prefixes}» on both C14N", profile=Profile(prefix_list=prefixes))
    yield Variant("CR LF and blanks in base64 values", after_signing=break_base64)


def break_base64(root: etree._Element) -> None:
    """CR is written by lxml as &#13;, the way some Java clients send it."""
    for element in root.iter(name_in(DS, "SignatureValue"), "{*}KeyIdentifier"):
        text = "".join((element.text or "").split())
        element.text = "\r\n" + "\r\n ".join(text[at : at + 76] for at in range(0, len(text), 76)) + "\r\n"


def wrappers() -> Iterator[Variant]:
    for wrapper in Wrapper:
        for namespace in (None, K):
            qualified = "in K" if namespace else "as it comes"
            yield Variant(
                f"wrapper {wrapper.tag}, payload {qualified}",
                changes={"wrapper": wrapper, "payload_namespace": namespace},
            )
    yield Variant(
        "K wrapper, sessionId before messageDate",
        session_before_date,
        {"wrapper": Wrapper.KDP},
    )


def session_before_date(root: etree._Element) -> None:
    date = find(root, "messageDate")
    session = etree.Element(name_in(K, "sessionId"))
    session.text = "{6f9619ff-8b86-d011-b42d-00cf4fc964ff}"
    date.addprevious(session)


def dates(world: World) -> Iterator[Variant]:
    def at(hours: float) -> str:
        zone = timezone(timedelta(hours=hours))
        return world.sandbox.now().astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")

    for suffix, hours in (("+05:00", 5), ("+06:00", 6), ("Z", 0), ("+0600", 6), ("", 5)):
        yield Variant(f"messageDate with offset «{suffix}»", changes={"message_date": at(hours) + suffix})
    for digits in range(1, 10):
        fraction = "123456789"[:digits]
        yield Variant(
            f"messageDate with {digits} fraction digits", changes={"message_date": f"{at(5)}.{fraction}+05:00"}
        )
    yield Variant("messageDate that never changes", changes={"message_date": datetime(2018, 1, 1).isoformat()})


def headers() -> Iterator[Variant]:
    for content in (
        "text/xml",
        "text/xml; charset=UTF-8",
        'text/xml;charset="utf-8"',
        "application/xml",
        "application/xml; charset=utf-8",
        "text/plain",
        "TEXT/XML",
    ):
        yield Variant(f"Content-Type {content}", headers={"Content-Type": content, "SOAPAction": '""'})
    for action in ('""', "SendMessage", '"SendMessage"', '"urn:whatever"'):
        yield Variant(f"SOAPAction {action}", headers={**XML_HEADERS, "SOAPAction": action})
    yield Variant("no SOAPAction", headers={"Content-Type": "text/xml"})


def shapes() -> Iterator[Variant]:
    yield Variant("requestInfo in reverse order", reverse_info)
    yield Variant("payload in reverse order", reverse_payload)
    yield Variant("empty placeholders", placeholders)
    for text in ("{6f9619ff-8b86-d011-b42d-00cf4fc964ff}", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"):
        yield Variant(f"sessionId {text}", partial(info_child, local="sessionId", text=text))
    yield Variant("correlationId, routeId and two properties", full_info)
    for message_id in ("1", "не UUID", "constant", "constant"):
        yield Variant(f"messageId «{message_id}»", changes={"message_id": message_id})
    yield Variant("two prefixes for the SOAP namespace", two_soap_prefixes)
    yield Variant("payload namespaces declared on the Envelope", namespaces_on_envelope)
    yield Variant("no prefix at all for T", default_namespace)
    yield Variant("pretty printed", indent)
    yield Variant("comments between elements", comments)
    yield Variant("blanks around ServiceIDs", pad_services)
    yield Variant("an unknown header with mustUnderstand 0", optional_header)


def info_child(root: etree._Element, local: str, text: str | None) -> None:
    child(find(root, "requestInfo"), None, local, text)


def reverse_info(root: etree._Element) -> None:
    info = find(root, "requestInfo")
    info[:] = list(info)[::-1]
    sender = find(root, "sender")
    sender[:] = list(sender)[::-1]


def reverse_payload(root: etree._Element) -> None:
    data = find(root, "data")
    data[:] = list(data)[::-1]


def placeholders(root: etree._Element) -> None:
    for local in ("correlationId", "routeId", "properties", "sessionId"):
        info_child(root, local, None)


def full_info(root: etree._Element) -> None:
    info_child(root, "correlationId", "chain-1")
    info_child(root, "routeId", "route")
    for key in ("a", "b"):
        pair = child(find(root, "requestInfo"), None, "properties")
        child(pair, None, "key", key)
        child(pair, None, "value", "x" * 500)


def two_soap_prefixes(root: etree._Element) -> etree._Element:
    text = etree.tostring(root).replace(b"<soapenv:Body", b'<S:Body xmlns:S="%s"' % SOAP.encode())
    return etree.fromstring(text.replace(b"</soapenv:Body", b"</S:Body"))


def namespaces_on_envelope(root: etree._Element) -> etree._Element:
    move_payload(root, K)
    text = etree.tostring(root).replace(b"<soapenv:Envelope", b'<soapenv:Envelope xmlns:kdp="%s"' % K.encode(), 1)
    moved = etree.fromstring(text)
    etree.cleanup_namespaces(moved, top_nsmap={"kdp": K, "t": T, "xsi": XSI, "xs": XS}, keep_ns_prefixes=["xsi", "xs"])
    return moved


def move_payload(root: etree._Element, namespace: str | None) -> None:
    for element in find(root, "data"):
        element.tag = name_in(namespace, etree.QName(element).localname)


def default_namespace(root: etree._Element) -> etree._Element:
    text = etree.tostring(root).replace(b"xmlns:w=", b"xmlns=").replace(b"<w:", b"<").replace(b"</w:", b"</")
    text = text.replace(b"<request>", b'<request xmlns="">')
    return etree.fromstring(text)


def indent(root: etree._Element) -> None:
    etree.indent(root, space="    ")


def comments(root: etree._Element) -> None:
    for local in ("requestInfo", "data", "Body"):
        find(root, local).insert(0, etree.Comment(" seen "))


def pad_services(root: etree._Element) -> None:
    services = find(root, "access_name")
    services.text = f" {services.text} ; "


def optional_header(root: etree._Element) -> None:
    header = child(find(root, "Header"), "urn:unknown", "Routing", "somewhere")
    header.set(name_in(SOAP, "mustUnderstand"), "0")


def payloads() -> Iterator[Variant]:
    for data_namespace in (T, K, "urn:some:other"):
        yield Variant(f"data in {data_namespace}", partial(rename_data, namespace=data_namespace))
    for namespace in (None, K):
        where = "K" if namespace else "no namespace"
        yield Variant(f"xsi:type getUserDataRequest, payload in {where}", partial(typed, namespace=namespace))
        yield Variant(f"payload as one root element in {where}", partial(wrap, namespace=namespace))
        yield Variant(f"payload as escaped text, {where}", partial(as_text, namespace=namespace, cdata=False))
        yield Variant(f"payload as CDATA, {where}", partial(as_text, namespace=namespace, cdata=True))
    yield Variant("empty elements of other methods", empty_others)


def rename_data(root: etree._Element, namespace: str) -> None:
    find(root, "data").tag = name_in(namespace, "data")


def typed(root: etree._Element, namespace: str | None) -> etree._Element:
    move_payload(root, namespace)
    text = etree.tostring(root).replace(
        b"<data>", b'<data xmlns:k="%s" xmlns:xsi="%s" xsi:type="k:getUserDataRequest">' % (K.encode(), XSI.encode())
    )
    return etree.fromstring(text)


def wrap(root: etree._Element, namespace: str | None) -> None:
    move_payload(root, namespace)
    data = find(root, "data")
    single = etree.Element(name_in(namespace, "getUserDataRequest"))
    single[:] = list(data)
    data.append(single)


def as_text(root: etree._Element, namespace: str | None, cdata: bool) -> etree._Element:
    wrap(root, namespace)
    data = find(root, "data")
    text = etree.tostring(data[0], encoding="unicode")
    data[:] = []
    data.text = etree.CDATA(text) if cdata else text
    written = etree.tostring(root)
    if not cdata:
        marked = b'<data xmlns:xs="%s" xmlns:xsi="%s" xsi:type="xs:string">' % (XS.encode(), XSI.encode())
        written = written.replace(b"<data>", marked)
    return etree.fromstring(written, etree.XMLParser(strip_cdata=False))


def empty_others(root: etree._Element) -> None:
    for local in ("ground_id", "proactive_code", "code", "request_id"):
        child(find(root, "data"), None, local)


def encodings() -> Iterator[Variant]:
    yield Variant("a UTF-8 byte order mark", after=lambda body: b"\xef\xbb\xbf" + body)
    yield Variant("no XML declaration", after=lambda body: body[body.index(b"?>") + 2 :].lstrip())
    yield Variant("declaration in lower case", after=lambda body: body.replace(b"UTF-8", b"utf-8", 1))
    yield Variant("blanks after the Envelope", after=lambda body: body + b"\r\n\r\n")
    yield Variant("Cyrillic, Kazakh letters and escaped characters", cyrillic)


def cyrillic(root: etree._Element) -> None:
    find(root, "company").text = "АО «Сынақ» ӘҒҚҢӨҰҮҺІ &<>\"'"

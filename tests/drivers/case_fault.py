"""Bad input (wire.md 1 and 4): each gets its fault or status, and the connection goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lxml import etree

from check import Checks
from dsig import DS, WSSE, WSU, Profile, sign
from envelope import SOAP, SOAP12, Wrapper, build, child, find, name_in, serialise
from kdp_client import PATH, XML_HEADERS, Answer, Caller, World, assert_reply, fault_of, soap_content
from reply import is_fault, read_fault

SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
Values = dict[str, str | None]


@dataclass(frozen=True)
class Bad:
    """A body and the fault codes, or the named elements of SCSE002, that are due."""

    title: str
    body: bytes
    codes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    faultcode: str | None = None

    def due(self) -> str:
        """What must come, for the title of the case."""
        data = (f"SCSE002 naming {' and '.join(self.named)}",) if self.named else ()
        return " or ".join((*data, *self.codes, *filter(None, (self.faultcode,))))


class Bench:
    """Sends bad input and then a good request over the same connection."""

    def __init__(self, world: World, checks: Checks) -> None:
        self.world = world
        self.checks = checks
        self.caller = world.through_shep
        self.uin = world.sandbox.subject("yes").iin
        self.services = world.services[:1]

    def good_values(self, **values: str | None) -> Values:
        return self.caller.fields(self.uin, self.services, omit_sms="true", ovt=self.caller.ovt(), **values)

    def good_tree(self) -> etree._Element:
        return build(self.caller.message(self.good_values()))

    def good_body(self) -> bytes:
        return self.caller.signed(self.caller.message(self.good_values()))

    def go_on(self, answer: Answer) -> None:
        """The same TCP connection must serve a good request, unless the server said it closes."""
        line = self.caller.line
        opened = line.opened
        assert_reply(self.caller.reply(line.post(self.good_body())), "VALID", "granted")
        assert answer.closes or line.opened == opened, "the connection did not survive"

    def hold(self, bad: Bad) -> None:
        with self.checks.case(f"{bad.title} → {bad.due()}"):
            answer = self.caller.line.post(bad.body)
            if bad.named:
                self._data_error(answer, bad)
            else:
                fault = fault_of(answer)
                assert not bad.codes or fault.error_code in bad.codes, f"fault {fault.faultstring}"
                assert not bad.faultcode or fault.faultcode == bad.faultcode, f"faultcode {fault.faultcode}"
            self.go_on(answer)

    def _data_error(self, answer: Answer, bad: Bad) -> None:
        root = soap_content(answer)
        if bad.codes and is_fault(root):
            assert read_fault(root).error_code in bad.codes, read_fault(root).faultstring
            return
        reply = assert_reply(self.caller.reply(answer), "ERROR", None, code="SCSE002")
        text = f"{reply.message} {reply.data.get('reason_text', '')}"
        for name in bad.named:
            assert name in text, f"«{text}» does not name {name}"


def run(world: World, checks: Checks) -> None:
    checks.topic("bad input")
    bench = Bench(world, checks)
    for each in (*not_soap(bench), *not_signed_well(bench), *not_allowed(bench), *bad_info(bench), *bad_data(bench)):
        bench.hold(each)
    over_http(bench)


def not_soap(bench: Bench) -> Iterator[Bad]:
    good = bench.good_body()
    inner = good[good.index(b"?>") + 2 :]
    yield Bad("no body", b"", ("SCE001",))
    yield Bad("not XML", b"hello", ("SCE001",))
    yield Bad("JSON", b'{"uin": 1}', ("SCE001",))
    yield Bad("truncated XML", good[:-20], ("SCE001",))
    yield Bad("two roots", good + b"<a/>", ("SCE001",))
    yield Bad("another root", b"<a/>", ("SCE001", "SCE007"))
    yield Bad("invalid UTF-8", good.replace(b"Retail", b"Ret\xff\xfeil"), ("SCE001",))
    yield Bad("a NUL", good.replace(b"Retail", b"Ret\x00il"), ("SCE001",))
    yield Bad("UTF-16", etree.tostring(etree.fromstring(good), encoding="UTF-16", xml_declaration=True), ("SCE001",))
    yield Bad("a DTD", b"<!DOCTYPE a>" + inner, ("SCE001",))
    laughs = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + inner.replace(b"Retail", b"&b;")
    yield Bad("entities", laughs, ("SCE001",))
    external = b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + inner.replace(b"Retail", b"&a;")
    yield Bad("an external entity", external, ("SCE001",))
    yield Bad("nesting of 100", b"<a>" * 100 + b"</a>" * 100, ("SCE001",))
    attributes = " ".join(f'a{at}="1"' for at in range(100)).encode()
    yield Bad("100 attributes on one element", b"<a " + attributes + b"/>", ("SCE001",))
    yield Bad("SOAP 1.2", good.replace(SOAP.encode(), SOAP12.encode()), faultcode="VersionMismatch")
    tree = bench.good_tree()
    header = child(find(tree, "Header"), "urn:unknown", "Strange")
    header.set(name_in(SOAP, "mustUnderstand"), "1")
    sign(tree, bench.caller.signer)
    yield Bad("an unknown header to understand", serialise(tree), faultcode="MustUnderstand")
    tree = bench.good_tree()
    find(tree, "requestInfo").insert(0, etree.ProcessingInstruction("php", "1"))
    yield Bad("a processing instruction", signed(bench, tree), ("SCE001",))
    tree = bench.good_tree()
    split = find(tree, "uin")
    split.text, rest = (split.text or "")[:5], (split.text or "")[5:]
    comment = etree.Comment("x")
    comment.tail = rest
    split.append(comment)
    yield Bad("a comment that splits a text", signed(bench, tree), ("SCE001",))
    tree = bench.good_tree()
    child(find(tree, "Body"), None, "second")
    yield Bad("two children of Body", signed(bench, tree), ("SCE001",))


def signed(bench: Bench, tree: etree._Element, profile: Profile | None = None) -> bytes:
    sign(tree, bench.caller.signer, profile)
    return serialise(tree)


def not_signed_well(bench: Bench) -> Iterator[Bad]:
    good = bench.good_body()
    yield Bad("unsigned", serialise(bench.good_tree()), ("SCE007",))
    yield Bad("Body changed", good.replace(b"Retail", b"Retaim"), ("SCE006",))
    yield Bad("SignedInfo changed", good.replace(b"xmlenc#sha256", b"xmlenc#sha512"), ("SCE006",))
    yield Bad("DigestValue changed", flip(good, b"DigestValue>"), ("SCE006",))
    yield Bad("SignatureValue changed", flip(good, b"SignatureValue>"), ("SCE006",))
    yield Bad("certificate changed", flip(good, b'X509v3">', 400), ("SCE005", "SCE006"))
    other = bench.world.sandbox.peers["bank"].signer
    swapped = good.replace(bench.caller.signer.certificate_base64.encode(), other.certificate_base64.encode())
    yield Bad("another peer's certificate", swapped, ("SCE006",))
    sha1 = Profile(signature_method=RSA_SHA1, digest_method=SHA1)
    yield Bad("SHA-1", signed(bench, bench.good_tree(), sha1), ("SCE006",))
    tree = bench.good_tree()
    sign(tree, bench.caller.signer)
    find(tree, "Signature").insert(0, etree.Comment("x"))
    yield Bad("a comment inside Signature", serialise(tree), ("SCE006",))
    tree = bench.good_tree()
    sign(tree, bench.caller.signer)
    security = find(tree, "Security")
    security.append(etree.fromstring(etree.tostring(find(tree, "Signature"))))
    yield Bad("two Signatures", serialise(tree), ("SCE006",))
    yield Bad("the signed Body moved into Header", wrapped(bench), ("SCE006",))


def flip(body: bytes, marker: bytes, after: int = 5) -> bytes:
    """Changes one base64 character `after` bytes behind the marker."""
    at = body.index(marker) + len(marker) + after
    return body[:at] + (b"B" if body[at : at + 1] == b"A" else b"A") + body[at + 1 :]


def wrapped(bench: Bench) -> bytes:
    """The classic: the Reference still finds the signed Body, but another Body would be read."""
    tree = bench.good_tree()
    sign(tree, bench.caller.signer)
    body = find(tree, "Body")
    forged = etree.fromstring(etree.tostring(body))
    forged.attrib.pop(name_in(WSU, "Id"))
    find(forged, "uin").text = bench.world.sandbox.subject("no").iin
    tree.replace(body, forged)
    child(find(tree, "Header"), "urn:hidden", "Wrapper").append(body)
    assert tree.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security/{{{DS}}}Signature") is not None
    return serialise(tree)


def not_allowed(bench: Bench) -> Iterator[Bad]:
    world, caller = bench.world, bench.caller
    values = bench.good_values()
    akimat = world.sandbox.peers["akimat"]

    def sent(who: Caller = caller, what: Values = values, **changes: Any) -> bytes:
        return who.signed(replace(who.message(what), **changes))

    yield Bad("wrong password", sent(password="x" * 32), ("KDP401",))
    yield Bad("no password", sent(password=None), ("KDP401",))
    yield Bad("unknown sender", sent(sender_id="nobody"), ("KDP401",))
    yield Bad("password of another", sent(password=akimat.password), ("KDP401",))
    yield Bad("BIN of another initiator", sent(what=values | {"company_bin": akimat.bin}), ("KDP403",))
    spoofed = sent(
        world.direct, values | {"company_bin": akimat.bin}, sender_id=akimat.sender_id, password=akimat.password
    )
    yield Bad("direct signer that names another sender", spoofed, ("KDP401",))
    owner = world.caller("owner", "owner")
    yield Bad(
        "a register's owner asks for access",
        sent(owner, owner.fields(bench.uin, bench.services, omit_sms="false")),
        ("KDP403",),
    )
    yield Bad("unknown service", sent(service_id="NO_SUCH_SERVICE"), ("SCE004",))


def bad_info(bench: Bench) -> Iterator[Bad]:
    for local in ("messageId", "serviceId", "messageDate", "sender", "senderId"):
        tree = bench.good_tree()
        element = find(tree, local)
        element.getparent().remove(element)
        codes = (
            ("SCE001", "SCE004") if local == "serviceId" else ("SCE001", "KDP401") if "sender" in local else ("SCE001",)
        )
        yield Bad(f"requestInfo without {local}", signed(bench, tree), codes)
    for local in ("serviceId", "messageDate", "sender"):
        tree = bench.good_tree()
        element = find(tree, local)
        element.addnext(etree.fromstring(etree.tostring(element)))
        yield Bad(f"{local} given twice", signed(bench, tree), ("SCE001",))
    tree = bench.good_tree()
    child(find(tree, "requestInfo"), None, "surprise", "1")
    yield Bad("an unknown element in requestInfo", signed(bench, tree), ("SCE001",))
    message = bench.caller.message(bench.good_values(), message_date="yesterday")
    yield Bad("messageDate that is no date", bench.caller.signed(message), ("SCE001",), ("messageDate",))
    tree = bench.good_tree()
    find(tree, "SendMessage").tag = "{urn:other}SendMessage"
    yield Bad("an unknown operation", signed(bench, tree), ("SCE001", "SCE004"))


def bad_data(bench: Bench) -> Iterator[Bad]:
    def of(title: str, *named: str, codes: tuple[str, ...] = (), **values: str | None) -> Bad:
        what = bench.good_values() | {key.replace("omit_sms", "omit-sms"): text for key, text in values.items()}
        return Bad(title, bench.caller.signed(bench.caller.message(what)), codes, named)

    control = str((int(bench.uin[-1]) + 1) % 10)
    bin_ = bench.caller.initiator.bin or ""
    bad_bin = bin_[:-1] + str((int(bin_[-1]) + 1) % 10)
    yield of("IIN of eleven digits", "uin", uin=bench.uin[:-1])
    yield of("IIN of thirteen digits", "uin", uin=bench.uin + "0")
    yield of("IIN with a letter", "uin", uin=bench.uin[:-1] + "A")
    yield of("IIN with a wrong control digit", "uin", uin=bench.uin[:-1] + control)
    yield of("IIN in other digits", "uin", uin=bench.uin.translate({ord("0") + n: 0x0660 + n for n in range(10)}))
    yield of("empty IIN", "uin", uin="")
    yield of("BIN of eleven digits", "company_bin", codes=("KDP403",), company_bin=bin_[:-1])
    yield of("BIN with a wrong control digit", "company_bin", codes=("KDP403",), company_bin=bad_bin)
    yield of("no uin", "uin", uin=None)
    yield of("no company_bin", "company_bin", company_bin=None)
    yield of("no access_name", "access_name", access_name=None)
    yield of("neither omit-sms nor method", "omit-sms", omit_sms=None)
    yield of("method 1 with omit-sms true", "method", "omit-sms", method="1")
    yield of("method 5 with omit-sms true", "method", "omit-sms", method="5")
    yield of("method 3 with omit-sms false", "method", "omit-sms", method="3", omit_sms="false")
    yield of("method 4 with omit-sms false", "method", "omit-sms", method="4", omit_sms="false")
    yield of("method 6", "method", method="6", omit_sms=None)
    yield of("omit-sms «maybe»", "omit-sms", omit_sms="maybe")
    for term in ("-1", "soon", "1e3"):
        yield of(f"expiresIn «{term}»", "expiresIn", expiresIn=term)
    yield of("lang «fr»", "lang", lang="fr")
    yield of("no ServiceID in access_name", "access_name", access_name=" ; ;")
    for wrapper in Wrapper:
        tree = build(replace(bench.caller.message(bench.good_values()), wrapper=wrapper))
        uin = find(tree, "uin")
        uin.addnext(etree.fromstring(etree.tostring(uin)))
        yield Bad(f"uin given twice in {etree.QName(wrapper.tag).localname}", signed(bench, tree), (), ("uin",))
    tree = bench.good_tree()
    child(find(tree, "data"), None, "surprise", "1")
    yield Bad("an unknown element in data", signed(bench, tree), (), ("surprise",))
    tree = bench.good_tree()
    child(find(tree, "uin"), None, "deeper", "1")
    yield Bad("an element inside uin", signed(bench, tree), ("SCE001",), ("uin",))


def over_http(bench: Bench) -> None:
    line, checks = bench.caller.line, bench.checks

    def case(title: str, act: Callable[[], Answer]) -> None:
        with checks.case(title):
            bench.go_on(act())

    def wsdl() -> Answer:
        answer = line.send("GET", f"{PATH}?wsdl")
        assert answer.http_status == 200, f"HTTP {answer.http_status}"
        root = etree.fromstring(answer.body)
        assert etree.QName(root).localname == "definitions", root.tag
        return answer

    def schemas() -> Answer:
        seen: set[str] = set()
        waiting = [f"{PATH}?wsdl"]
        answer = None
        while waiting:
            path = waiting.pop()
            answer = line.send("GET", path)
            assert answer.http_status == 200, f"{path}: HTTP {answer.http_status}"
            for url in etree.fromstring(answer.body).xpath("//@schemaLocation | //*[local-name()='import']/@location"):
                short = url[url.index(PATH) :] if PATH in url else f"{PATH}{url[url.index('?') :]}"
                if short not in seen:
                    seen.add(short)
                    waiting.append(short)
        assert answer is not None and seen, "the WSDL names no schema"
        return answer

    def refused(method: str, status: int, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        answer = line.send(method, PATH, body, headers)
        assert answer.http_status == status, f"HTTP {answer.http_status}, expected {status}"
        return answer

    def large() -> Answer:
        body = bench.good_body() + b" " * (2 << 20)
        answer = line.post(body)
        assert fault_of(answer).error_code == "KDP413", answer.http_status
        return answer

    case("GET ?wsdl → 200", wsdl)
    case("every schema that the WSDL names can be read", schemas)
    for method in ("PUT", "DELETE", "PATCH"):
        case(f"{method} → 405", partial(refused, method, 405, b"<a/>", XML_HEADERS))
    for content in ("application/json", "application/soap+xml", "multipart/related"):
        headers = {"Content-Type": content}
        case(f"Content-Type {content} → 415", partial(refused, "POST", 415, bench.good_body(), headers))
    case("a body of 2 MiB → 413, KDP413", large)

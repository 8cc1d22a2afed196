"""The project of SoapUI: the contract in its cache, signed requests, a test case of each method, a keystore to name."""

import re
import uuid
from xml.sax.saxutils import escape, quoteattr

import pack

CONFIG = "http://eviware.com/soapui/config"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
BINDING = "http://bip.bee.kz/SyncChannel/v10/Interfaces/Binding2"
#: What a file of the contract says of another one.
LOCATION = r'(?<=ocation=")([^":]+)(?=")'
KEYSTORE = "bank.p12"
SIGNING = "sign-body"

#: What a reader of the project changes in one place; requests name them as ${#Project#NAME}.
PROPERTIES = {
    "endpoint": pack.SYNC_URL, "sender": pack.PEER["sender_id"], "password": pack.PEER["password"],
    "bin": pack.PEER["bin"], "company": pack.PEER["organisation"], "services": pack.ASKED["access_name"],
    "uin": pack.UIN, "key": "sandbox-data/pki/bank.key.pem", "ovt": "", "request_id": "",
}


def ident(what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"kdp-soapui/{what}"))


def expansion(name: str) -> str:
    return f"${{#Project#{name}}}"


def project() -> str:
    cases = (case("Method 2", [script("ovt", "ovt.groovy"), step("ask", method_2(), "VALID")])
             + case("Method 1", [step("ask", method_1(), "PENDING"), script("wait", "wait.groovy"),
                                 step("ask again", method_1("request_id"), "VALID")]))
    properties = "".join(f"<con:property><con:name>{name}</con:name><con:value>{escape(value)}</con:value>"
                         f"</con:property>" for name, value in PROPERTIES.items())
    return pack.template(
        "soapui/project.xml", CONFIG=CONFIG, BINDING=BINDING, KEYSTORE=KEYSTORE, SIGNING=SIGNING, PARTS=definition(),
        CALLS=call("Method 2", method_2()) + call("Method 1", method_1()), CASES=cases, PROPERTIES=properties,
        ID=ident("project"), INTERFACE_ID=ident("interface"), OPERATION_ID=ident("operation"), SUITE_ID=ident("suite"))


def definition() -> str:
    """WSDL and schemas as served, so that the project opens without the service."""
    found, waiting = {}, ["SyncChannel.wsdl"]
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            content = (pack.ROOT / ("wsdl" if name.endswith(".wsdl") else "schemas") / name).read_text(encoding="utf-8")
            waiting += [said.rsplit("/", 1)[-1] for said in re.findall(LOCATION, content)]
            found[name] = re.sub(LOCATION, lambda said: escape(address(said.group(1).rsplit("/", 1)[-1])), content)
    return "".join(f"<con:part><con:url>{escape(address(name))}</con:url><con:content>{cdata(content)}</con:content>"
                   f"<con:type>{WSDL if name.endswith('.wsdl') else pack.envelope.XS}</con:type></con:part>"
                   for name, content in found.items())


def address(name: str) -> str:
    """Where the service serves a file of the contract."""
    return f"{pack.SYNC_URL}?wsdl" if name == "SyncChannel.wsdl" else f"{pack.SYNC_URL}?xsd={name}"


def cdata(content: str) -> str:
    return "<![CDATA[" + content.replace("]]>", "]]]]><![CDATA[>") + "]]>"


# --- requests: SoapUI signs them when it sends them ------------------------------------------------------------------

def method_2() -> str:
    return request("true", f"<ovt>{expansion('ovt')}</ovt>")


def method_1(*more: str) -> str:
    return request("false", "".join(f"<{name}>{expansion(name)}</{name}>" for name in more))


def request(omit_sms: str, more: str) -> str:
    fields = pack.lines("            <{name}>{value}</{name}>", "${{#Project#{}}}", omit_sms)
    return pack.template("soapui/request.xml", FIELDS=fields, MORE=more)


def call(name: str, content: str) -> str:
    return f"<con:call id={quoteattr(ident('call ' + name))} name={quoteattr(name)}{asked(content)}</con:call>"


def asked(content: str) -> str:
    """From the last attributes of a request to its text."""
    return (f' outgoingWss="{SIGNING}" timeout="30000"><con:settings/><con:encoding>UTF-8</con:encoding>'
            f"<con:endpoint>{expansion('endpoint')}</con:endpoint><con:request>{cdata(content)}</con:request>")


# --- test cases ------------------------------------------------------------------------------------------------------

def case(name: str, steps: list[str]) -> str:
    return (f"<con:testCase id={quoteattr(ident('case ' + name))} name={quoteattr(name)} failOnError=\"true\" "
            f'failTestCaseOnErrors="true" keepSession="false" maxResults="0" searchProperties="true"><con:settings/>'
            f"{''.join(steps)}<con:properties/></con:testCase>")


def script(name: str, file: str) -> str:
    content = pack.template(f"soapui/{file}")
    return (f'<con:testStep type="groovy" name={quoteattr(name)} id={quoteattr(ident(f"step {file}"))}><con:settings/>'
            f"<con:config><script>{cdata(content)}</script></con:config></con:testStep>")


def step(name: str, content: str, status: str) -> str:
    path = f"declare namespace k='{pack.envelope.KDP}';\n//k:data/k:status"
    return (f'<con:testStep type="request" name={quoteattr(name)} '
            f'id={quoteattr(ident(f"step {name} {status} {content}"))}><con:settings/>'
            f'<con:config xsi:type="con:RequestStep"><con:interface>SyncChannelHttpBinding</con:interface>'
            f"<con:operation>SendMessage</con:operation><con:request name={quoteattr(name)} "
            f"id={quoteattr(ident(f'request {name} {status} {content}'))}{asked(content)}"
            f'<con:assertion type="XPath Match" id={quoteattr(ident(f"assertion {name} {status} {content}"))} '
            f'name="status"><con:configuration><path>{escape(path)}</path><content>{status}</content>'
            f"<allowWildcards>false</allowWildcards><ignoreNamspaceDifferences>true</ignoreNamspaceDifferences>"
            f"<ignoreComments>false</ignoreComments></con:configuration></con:assertion>"
            f"</con:request></con:config></con:testStep>")

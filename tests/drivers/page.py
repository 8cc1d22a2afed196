#!/usr/bin/env python3
"""The page of the sandbox in Chromium: `python page.py [--kdp BINARY] [--screenshots FOLDER]`.

In each language: somebody asks by SMS, answers on the phone, the token appears, the clock is moved, it expires; another
one is revoked, nobody reviews that for 15 working days, it is not active any more. Whatever the console is told is a
failure.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from browser import Browser, Element
from case_application import Office
from check import Checks
from command import Command
from kdp_client import World
from sandbox import Sandbox, default_binary
from workdays import due, skipped

WORDS = {
    "kk": {"title": "КДП құмсалғышы", "yes": "ИӘ", "expired": "мерзімі өтті", "lapsed": "Мерзім өтті", "red": "өтпеді"},
    "ru": {"title": "Песочница КДП", "yes": "ДА", "expired": "истёк", "lapsed": "Срок прошёл", "red": "не пройдена"},
    "en": {
        "title": "The KDP sandbox",
        "yes": "YES",
        "expired": "expired",
        "lapsed": "Not reviewed in time",
        "red": "failed",
    },
}
WIDTH, HEIGHT, PHONE = 1280, 1000, 390
QUARTER = "900000"

# Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3).
FAINT = """
const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parts = (color) => color.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (e) => { for (; e; e = e.parentElement) {
  const color = parts(getComputedStyle(e).backgroundColor); if (color.length < 4 || color[3] > 0) return color; }
  return [255, 255, 255]; };
return [...document.body.querySelectorAll("*")]
  .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
  .map((e) => [e, light(parts(getComputedStyle(e).color)), light(behind(e))])
  .filter(([, a, b]) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5)
  .map(([e]) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`);
"""


class Page:
    """The page in one language, as a person uses it."""

    def __init__(self, browser: Browser, sandbox: Sandbox, lang: str, shots: Path) -> None:
        self.browser, self.sandbox, self.lang, self.shots = browser, sandbox, lang, shots
        self.person = next(each for each in sandbox.subjects if each.behaviour == "manual")
        browser.size(WIDTH, HEIGHT)
        browser.open(f"http://127.0.0.1:{sandbox.port}/sandbox/page?lang={lang}")
        browser.until("the page is ready", lambda: browser.all("body[data-ready]"))

    def shoot(self, name: str, selector: str = "") -> None:
        """The window, or one element."""
        path = self.shots / f"{self.lang}-{name}.png"
        if selector:
            self.browser.until("a screenshot", lambda: self.browser.one(selector).shoot(path) is None)
        else:
            self.browser.shoot(path)
        assert path.stat().st_size > 2000, f"{path.name} shows nothing"

    def ask(self, initiator: str, term: str = "", method: str = "1") -> None:
        """Asks for the subject whom the person plays."""
        for field, value in (
            ("initiator", initiator),
            ("subject", self.person.iin),
            ("method", method),
            ("term", term),
        ):
            self.browser.one(f"#{field}").choose(value)
        self.browser.one("#ask-form button").click()

    def answer(self) -> str:
        return self.browser.one("#answer").text()

    def holds(self, look: Callable[[], None]) -> None:
        """What `look` asserts of elements that the page may renew meanwhile."""
        self.browser.until(look.__name__.replace("_", " "), lambda: look() is None)

    def phone(self) -> Element:
        return self.browser.one(f'#phone-list article[data-msisdn="{self.person.msisdn}"]')

    def sms(self) -> str:
        """The newest SMS, as the page shows it."""
        return self.browser.until("an SMS", lambda: self.phone().one(".sms li:first-child").text())

    def listed(self) -> list[str]:
        """Ids of the requests that are shown, newest first."""
        return [str(each.attribute("data-request")) for each in self.browser.all("#request-list article[data-request]")]

    def request(self, identifier: str, state: str) -> Element:
        """The request, as soon as it is in that state."""
        selector = f'article[data-request="{identifier}"][data-state="{state}"]'
        return self.browser.until(f"a request that is {state}", lambda: self.browser.one(selector))

    def application(self, identifier: str, state: str) -> Element:
        """The application about a request, in that state."""
        return self.browser.one(f'article[data-about="{identifier}"][data-state="{state}"]')

    def press(self, selector: str) -> None:
        """Presses a button, also when the page renews it meanwhile."""
        self.browser.until(f"{selector} can be pressed", lambda: self.browser.one(selector).click() is None)

    def code(self, identifier: str) -> str:
        """The token of a request, as the sandbox tells it."""
        told = (each["request"] for each in self.sandbox.get("/sandbox/requests"))
        return str(next(each["token"]["code"] for each in told if each and each["request_id"] == identifier))

    def checked(self, identifier: str, status: str) -> str:
        """What the owner is told about the token of a request."""
        within = f'article[data-request="{identifier}"]'
        self.press(f'{within} [data-part="look"]')
        told = f'{within} .told [data-status="{status}"]'
        return self.browser.until(f"the owner is told {status}", lambda: self.browser.one(told).text())

    def asked(self, term: str, method: str = "1") -> str:
        """Asks, until the phone shows the SMS; gives the id of the request."""
        before, known = len(self.sandbox.inbox(str(self.person.msisdn))), set(self.listed())
        self.ask("bank", term, method)
        self.browser.until("the SMS", lambda: len(self.phone().all(".sms li")) > before)
        self.browser.until("the answer", lambda: "PENDING" in self.answer())
        identifier = self.browser.until("the request", lambda: next((i for i in self.listed() if i not in known), ""))
        self.request(identifier, "waiting")
        return identifier

    def granted(self, term: str) -> str:
        """Asks, says yes on the phone, and waits for the token; gives the id of the request."""
        identifier = self.asked(term)
        self.press(f'article[data-msisdn="{self.person.msisdn}"] [data-part="yes"]')
        self.request(identifier, "granted")
        return identifier


def form(page: Page, checks: Checks) -> None:
    """What the page is before anything happens."""
    browser, words = page.browser, WORDS[page.lang]
    with checks.case("every text is in the language, every control has a name, nothing is faint"):
        assert browser.run("return document.documentElement.lang") == page.lang
        assert browser.one("h1").text() == words["title"] == browser.run("return document.title")
        empty = browser.run("return [...document.querySelectorAll('[data-text]')].filter((e) => !e.textContent).length")
        assert empty == 0, f"{empty} texts are empty"

        @page.holds
        def every_control_has_a_name() -> None:
            controls = browser.all("header button, #clock button, #clock input, #ask button, #ask select, #ask input")
            controls += page.phone().all("button, input")
            assert len(controls) >= 20 and all(each.label() for each in controls), "a control without a name"

        faint = browser.run(FAINT)
        assert not faint, faint[:3]
        page.shoot("1-start")
    with checks.case("another language, and back, by the keyboard"):
        for lang in [each for each in WORDS if each != page.lang] + [page.lang]:
            browser.one(f'[data-lang="{lang}"]').type("\ue007")
            assert browser.one("h1").text() == WORDS[lang]["title"]
            assert browser.one('[data-lang][aria-pressed="true"]').attribute("data-lang") == lang


def texts(page: Page, checks: Checks) -> None:
    with checks.case("every text of the table stands in three languages"):
        rows = page.browser.finish("import('/sandbox/page/text.js').then((m) => [m.TEXT, m.BEHAVIOUR])")
        known = {each.behaviour for each in page.sandbox.subjects}
        table, behaviours = rows
        assert len(table) > 80, len(table)
        assert known <= set(behaviours), known - set(behaviours)
        for key, row in [*table.items(), *behaviours.items()]:
            assert len(row) == 3 and all(each.strip() for each in row), key


def expires(page: Page, checks: Checks) -> None:
    """Asked, answered, issued, expired."""
    browser, words = page.browser, WORDS[page.lang]
    with checks.case("asked by SMS: the phone has it, the checks are green"):
        identifier = page.asked(QUARTER)
        texts = page.sandbox.inbox(str(page.person.msisdn))
        assert texts[-1] in page.sms(), "another text than the phone received"
        within = f'article[data-request="{identifier}"]'
        page.press(f'{within} details[data-part="checks"] summary')

        @page.holds
        def the_checks_are_green() -> None:
            marks = [each.attribute("class") for each in browser.all(f"{within} .checks li")]
            assert len(marks) >= 8 and set(marks) == {"yes"}, marks
            assert browser.all(f"{within} .checks li")[0].text(), "they are not to be seen"

        page.shoot("2-asked", f'article[data-msisdn="{page.person.msisdn}"]')
        page.shoot("2-checks", within)
    with checks.case("answered on the phone: the token appears, decoded, and the owner may use it"):
        answer = f'article[data-msisdn="{page.person.msisdn}"] [data-part="yes"]'
        assert browser.until("the answer", lambda: browser.one(answer).text()) == words["yes"]
        page.press(answer)
        page.request(identifier, "granted")
        page.press(f'{within} details[data-part="token"] summary')

        @page.holds
        def the_token_is_decoded() -> None:
            _, payload, compact = (each.text() for each in browser.all(f"{within} .token pre"))
            claims = json.loads(payload)
            assert claims["uin"] == page.person.iin and claims["rid"] == identifier, "another token"
            assert claims["exp"] - claims["iat"] == int(QUARTER) // 1000
            assert compact == page.code(identifier), "another than was issued"

        page.checked(identifier, "active")
        page.shoot("3-token", within)
    with checks.case("the clock is moved by 15 minutes: it has expired"):
        before = datetime.fromisoformat(str(browser.one("#now").attribute("datetime")))
        page.press('[data-advance="PT15M"]')
        page.request(identifier, "closed")
        after = datetime.fromisoformat(str(browser.one("#now").attribute("datetime")))
        assert 900 <= (after - before).total_seconds() < 960, f"from {before} to {after}"
        assert browser.one(f'{within}[data-reason="token-expired"]')
        assert page.checked(identifier, "expired") == words["expired"]
        page.shoot("4-expired", within)


def coded(page: Page, checks: Checks) -> None:
    with checks.case("a one-time code: read on the phone, brought by the initiator"):
        identifier = page.asked(QUARTER, "5")
        text = page.sms()
        found = re.search(r"KOD (\d+)", text)
        assert found, text
        within = f'article[data-request="{identifier}"]'
        # Enter sends the form.
        code = f'{within} [data-part="code"]'
        page.browser.until("a place for it", lambda: page.browser.one(code).type(f"{found[1]}\ue007") is None)
        page.request(identifier, "granted")


def decided(page: Page, checks: Checks) -> None:
    with checks.case("revoked, refused: the token stays; revoked again, approved: it ends"):
        identifier = page.granted("")
        for press, state, status in (("refuse", "refused", "active"), ("approve", "approved", "not-active")):
            page.press(f'article[data-request="{identifier}"] [data-part="revoke"]')
            page.press(f'article[data-about="{identifier}"][data-state="open"] [data-part="{press}"]')
            page.browser.until(state, lambda state=state: page.application(identifier, state))
            page.checked(identifier, status)


def lapses(page: Page, checks: Checks) -> None:
    """Revoked, not reviewed, ended."""
    browser, words = page.browser, WORDS[page.lang]
    with checks.case("revoked: an application with the calendar of its 15 working days; the token stays meanwhile"):
        identifier = page.granted("")
        page.press(f'article[data-request="{identifier}"] [data-part="revoke"]')

        @page.holds
        def its_calendar_is_that_of_the_specification() -> None:
            article = page.application(identifier, "open")
            filed = datetime.fromisoformat(str(article.one(".head time").attribute("datetime"))).date()
            last = date.fromisoformat(str(article.one(".deadline").attribute("datetime")))
            assert last == due(filed), f"{last}, by the specification's table {due(filed)}"
            numbers = [int(each.text()) for each in article.all("td b")]
            assert numbers == list(range(1, 16)), numbers
            days = len(article.all("td.off"))
            assert days == len(skipped(filed, last)), f"{days} days off, expected {skipped(filed, last)}"
            assert article.one("td.last").text().startswith(f"{last:%d.%m}")

        page.checked(identifier, "active")
        page.shoot("5-application", f'article[data-about="{identifier}"]')
    with checks.case("nobody reviews it for 15 working days: the token is not active"):
        page.press(f'article[data-about="{identifier}"] [data-part="wait"]')
        badge = browser.until("its end", lambda: page.application(identifier, "lapsed").one(".badge").text())
        assert badge.startswith(words["lapsed"]), badge
        page.checked(identifier, "not-active")
        page.request(identifier, "closed")
        page.shoot("6-not-active", f'article[data-request="{identifier}"]')
        page.shoot("6-lapsed", f'article[data-about="{identifier}"]')


def refused(page: Page, checks: Checks) -> None:
    refusals = '#request-list article[data-reason="method-not-allowed"]'
    with checks.case("a check that fails is red, with its paragraph and what to do"):
        before = len(page.browser.all(refusals))
        page.ask("candidate")
        page.browser.until("the refusal", lambda: len(page.browser.all(refusals)) > before)

        @page.holds
        def one_check_is_red() -> None:
            article = page.browser.all("#request-list article")[0]
            red = article.one("li.no")
            assert red.attribute("data-check") == "method-allowed" and "F-4" in red.text(), red.text()
            assert WORDS[page.lang]["red"] in red.one(".unseen").inside()
            assert article.one(".badge.no") and len(article.all("li.yes")) == 5

        page.shoot("7-refused", "#request-list article:first-child")


def ten(page: Page, checks: Checks) -> None:
    with checks.case("ten answers of an integration application, and why another does not count"):
        article = page.browser.one("article[data-test]")
        assert article.attribute("data-counted") == "10" and len(article.all(".slots li.yes")) == 10
        assert article.all('details[data-part="not"]'), "nothing tells of what did not count"
        page.shoot("8-ten", "article[data-test]")


def narrow(page: Page, checks: Checks) -> None:
    with checks.case("nothing is cut off at the width of a phone"):
        page.browser.size(PHONE, HEIGHT)
        width = page.browser.run("return document.documentElement.scrollWidth")
        assert width <= PHONE, f"{width} px wide"
        page.browser.run("scrollTo(0, 0)")
        page.shoot("9-phone")


def quiet(page: Page, checks: Checks) -> None:
    with checks.case("the console was told nothing, and nothing came from elsewhere"):
        said = page.browser.said()
        assert not said, said[:3]
        base = f"http://127.0.0.1:{page.sandbox.port}/"
        loaded = page.browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
        strange = [each for each in loaded if not each.startswith(base)]
        assert loaded and not strange, strange[:3]


def apply(sandbox: Sandbox, binary: Path, folder: Path) -> None:
    """An integration application, approved for the test, and its answers: ten that count, one that does not."""
    office = Office(Command(binary, folder / "data"), folder, World(sandbox, folder / "data"))
    peer, entry = sandbox.peers["newcomer"], "dir-newcomer-1"
    filed = office.do("submit", str(office.form(peer, [1])))["id"]
    office.do("approve", filed, "--entries", entry)
    subject = sandbox.subject("yes")
    about = [["uin", subject.iin], ["company_bin", peer.bin]]

    def send(data: list[list[str]]) -> dict[str, str]:
        value = {"as": "newcomer", "service_id": "KDP_SERVICE", "data": about + data}
        answer = sandbox.post("/sandbox/send", value)
        assert answer["fault"] is None, answer
        return answer["data"]

    named = [["company", "ТОО «Новичок песочницы»"], ["omit-sms", "false"], ["access_name", "GBDFLUniversal_token"]]
    for _ in range(10):
        asked = send([*named, ["directory_id", entry]])
        assert asked["status"] == "PENDING", asked["reason"]
        sandbox.advance("PT2M")
        assert send([["request_id", asked["request_id"]]])["status"] == "VALID"


def foreign(sandbox: Sandbox, checks: Checks) -> None:
    """What a page of elsewhere could try."""

    def status(method: str, path: str, headers: dict[str, str]) -> int:
        line = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
        line.request(method, path, body=b'{"advance":"PT1S"}' if method == "POST" else None, headers=headers)
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer.status

    own = f"127.0.0.1:{sandbox.port}"
    with checks.case("a name of elsewhere that points here is refused, and what another page sends"):
        for path in ("/sandbox", "/sandbox/page", "/sandbox/requests"):
            assert status("GET", path, {"Host": f"elsewhere.example:{sandbox.port}"}) == 403, path
            assert status("GET", path, {"Host": f"localhost:{sandbox.port}"}) == 200, path
        for origin in ("https://elsewhere.example", "http://localhost:1", "null"):
            assert status("POST", "/sandbox/clock", {"Host": own, "Origin": origin}) == 403, origin
        assert status("POST", "/sandbox/clock", {"Host": own, "Origin": f"http://{own}"}) == 200
        assert status("POST", "/sandbox/clock", {"Host": own, "Sec-Fetch-Site": "cross-site"}) == 403
        assert status("POST", "/sandbox/clock", {"Host": own}) == 200


def main() -> int:
    arguments = argparse.ArgumentParser(description="uses the page of a kdp sandbox in Chromium")
    arguments.add_argument("--kdp", type=Path, default=None, help="the binary (default: the newer of target/*/kdp)")
    arguments.add_argument("--screenshots", type=Path, default=None, help="where they are left (default: nowhere)")
    chosen = arguments.parse_args()
    binary = chosen.kdp or default_binary()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="kdp-page-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shots = chosen.screenshots or folder
        shots.mkdir(parents=True, exist_ok=True)
        with Sandbox(binary, folder / "data", folder / "log") as sandbox, Browser(folder) as browser:
            checks.topic("page")
            foreign(sandbox, checks)
            texts(Page(browser, sandbox, "kk", shots), checks)
            for lang in WORDS:
                checks.topic(f"page, {lang}")
                page = Page(browser, sandbox, lang, shots)
                for part in (form, refused, expires, coded, decided, lapses):
                    part(page, checks)
                if lang == "kk":
                    apply(sandbox, binary, folder)
                    page = Page(browser, sandbox, lang, shots)
                for part in (ten, narrow, quiet):
                    part(page, checks)
    return checks.summary()


if __name__ == "__main__":
    raise SystemExit(main())

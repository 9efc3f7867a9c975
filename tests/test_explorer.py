"""Do the start page and the API docs work in a real browser: locked down, with no network, on a phone, in the dark?"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.serving import answer, free_port, started

ROOT = Path(__file__).resolve().parent.parent
STYLE = (ROOT / "app" / "explorer" / "static" / "explorer.css").read_text(encoding="utf-8")

# Reported by the page itself, since the browser's own message names neither the rule nor the line.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`Content-Security-Policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    """The address of a server with the first content, as `make run` starts it."""
    port = free_port()
    serve = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", str(port)]
    settings = {"CHANCERY_DATA": str(tmp_path_factory.mktemp("data"))}
    with started(serve, folder=ROOT, settings=settings) as server:
        answer(server, port, "/healthz")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("No Chromium on this machine. On Debian: apt install chromium")
    # Without a sandbox, since CI is root, where Chromium has none; it opens nothing but our own pages.
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=quiet)
        yield opened
        opened.close()


@pytest.fixture(params=["light", "dark"])
def phone(browser, request) -> Iterator[Page]:
    """A page 360 pixels wide."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def complaints(phone, site) -> list[str]:
    """What the page complains of, and whom it speaks to besides the site."""
    heard: list[str] = []
    phone.add_init_script(REPORT_VIOLATIONS)
    phone.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    phone.on("pageerror", lambda error: heard.append(str(error)))
    phone.on("request", lambda request: None if request.url.startswith((site, "data:")) else heard.append(request.url))
    return heard


def wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def test_the_start_page_works_on_a_phone(site, phone, complaints):
    phone.goto(f"{site}/")

    assert phone.get_by_role("heading", level=1).is_visible()
    assert not wider_than_the_screen(phone)
    assert complaints == []


def test_the_docs_send_the_request_a_reader_asked_for_and_nothing_more(site, phone, complaints):
    sent: list[str] = []
    phone.on("request", lambda request: sent.append(request.url) if "/v1/" in request.url else None)
    phone.goto(f"{site}/docs")
    phone.locator(".opblock-summary-control", has=phone.locator('[data-path="/v1/statements"]')).first.click()
    phone.get_by_role("button", name="Execute").click()
    phone.locator(".live-responses-table .response-col_status").first.wait_for()

    assert "200" in phone.locator(".live-responses-table tbody .response-col_status").first.inner_text()
    assert sent == [f"{site}/v1/statements"]
    assert not wider_than_the_screen(phone)
    assert complaints == []


def test_a_route_in_the_docs_has_an_address_of_its_own(site, phone):
    phone.goto(f"{site}/docs")
    phone.locator(".opblock-summary-control", has=phone.locator('[data-path="/v1/statements"]')).first.click()
    phone.locator(".opblock.is-open").wait_for()
    address = phone.url
    phone.goto("about:blank")
    phone.goto(address)
    phone.locator(".opblock.is-open").wait_for()

    assert "#/statements/" in address
    assert phone.locator('.opblock.is-open [data-path="/v1/statements"]').count() == 1


def test_the_docs_are_dark_exactly_when_the_reader_wants_it(site, phone):
    phone.goto(f"{site}/docs")
    phone.locator(".opblock").first.wait_for()
    wanted = phone.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")

    assert phone.evaluate("document.documentElement.classList.contains('dark-mode')") == wanted


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/search?q=coalition",
        "/statements",
        "/statements/ishiba-might-join-coalition",
        "/actors/shigeru-ishiba",
        "/agreements/japan-ukraine-accord-2024",
        "/sources/japan-ukraine-security-article",
        "/timeline?actor=Japan",
        "/network?actor=Japan",
        "/counts",
        "/compare",
        "/changes",
    ],
)
def test_a_page_shuts_nobody_out_and_fits_a_phone(site, phone, complaints, path):
    phone.goto(f"{site}{path}")
    phone.wait_for_load_state("networkidle")

    assert [one["id"] for one in Axe().run(phone).response["violations"]] == []
    assert not wider_than_the_screen(phone)
    assert complaints == []


def test_a_timeline_and_a_network_are_drawn_and_keep_their_place_in_the_address(site, browser):
    page = browser.new_page()
    page.goto(f"{site}/timeline?actor=Ukraine")
    page.locator("[data-timeline][data-ready]").wait_for()
    page.get_by_role("button", name="Zoom in").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**window=**")
    page.goto(f"{site}/network?actor=Japan")
    page.locator("[data-network][data-ready]").wait_for()

    assert page.locator(".node").count() > 3
    page.close()


def test_a_newcomer_gets_from_a_word_to_the_passage_with_the_keyboard_alone(site, browser):
    page = browser.new_page()
    page.goto(f"{site}/")
    page.locator("#q").focus()
    page.keyboard.type("coalition")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    page.locator(".card a", has_text="possible that Japan").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/statements/**")
    assert page.locator(".scale strong").inner_text() == "might"
    page.locator(".passage .where a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources/**")

    assert page.locator(".cited:target").count() == 1
    page.close()


def test_the_first_tab_stop_skips_to_the_content(site, browser):
    page = browser.new_page()
    page.goto(f"{site}/")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    page.close()


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back"),
    [
        *[(front, back) for front in ("ink", "link") for back in ("paper", "card", "soft", "past")],
        *[("ink", back) for back in ("statement", "claim", "event", "agreement", "other")],
        *[("faint", back) for back in ("paper", "card")],
        ("on-link", "link"),
    ],
)
def test_every_colour_of_text_stands_out_enough_to_read(scheme, front, back):
    colours = [
        dict(re.findall(r"--([a-z-]+): #([0-9a-f]{6})", rule)) for rule in re.findall(r":root \{(.*?)\}", STYLE, re.S)
    ]
    dark, light = sorted((luminance(colours[scheme][front]), luminance(colours[scheme][back])))

    # 4.5 is what WCAG 2.2 asks for at level AA.
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """How bright a colour is, from 0 to 1, as WCAG defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

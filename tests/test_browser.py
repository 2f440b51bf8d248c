"""The page in a real browser: asking, correcting, errors, small screens, languages. Needs Debian's chromium."""

from __future__ import annotations

import io
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from api_support import ROOT
from multimodal.bench.local import LocalService, local_service

sync_api = pytest.importorskip("playwright.sync_api", reason="the browser tests want the extra [browser]")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; make test-browser says how to get it"),
    pytest.mark.skipif(not (ROOT / "artifacts" / "fashion" / "manifest.json").is_file(), reason="no artifacts/fashion"),
]
DRESS = ROOT / "docs" / "dress.jpg"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    folder = tmp_path_factory.mktemp("kept")
    bundles = [str(ROOT / "artifacts" / name) for name in ("fashion", "grocery-ru")]
    with local_service(*bundles, environment={"MULTIMODAL_DATABASE": f"sqlite:///{folder}/kept.db"}) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as player:
        opened = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Tab:
    """A page with what went wrong in it, and every address it asked; ``blank``: not opened yet."""

    def __init__(self, browser: Any, service: LocalService, blank: bool = False, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.home = f"http://127.0.0.1:{service.port}/"
        if not blank:
            self.page.goto(self.home)
            sync_api.expect(self.page.locator("#status")).not_to_be_empty()


@pytest.fixture
def tab(browser: Any, service: LocalService) -> Iterator[Tab]:
    opened = Tab(browser, service)
    yield opened
    opened.context.close()
    assert opened.faults == []
    assert all(url.startswith((opened.home, "blob:")) for url in opened.asked)


def _first(page: Any) -> Any:
    return page.locator("#suggestions li").first


def test_suggestions_follow_the_title_as_it_is_typed(tab: Tab) -> None:
    page = tab.page
    page.locator("#title").press_sequentially("Men navy polo tshirt", delay=20)
    sync_api.expect(_first(page)).to_contain_text("Topwear › Tshirts")
    sync_api.expect(page.locator("#decision")).to_contain_text("by the text")
    page.fill("#title", "Women leather handbag")
    sync_api.expect(_first(page)).to_contain_text("Handbags")
    assert page.locator("#suggestions progress").first.evaluate("bar => bar.value") > 0.5
    page.fill("#title", "")
    sync_api.expect(page.locator("#answer")).to_be_hidden()
    assert tab.page.title()


def test_a_photo_is_shown_tagged_and_explained(tab: Tab) -> None:
    page = tab.page
    page.set_input_files("#file", DRESS)
    sync_api.expect(_first(page)).to_contain_text("Dress")
    sync_api.expect(page.locator("#decision")).to_contain_text("by the photo")
    sync_api.expect(page.locator("#tags")).to_contain_text("polka dot")
    sync_api.expect(page.locator("#tags")).to_contain_text("colour:")
    before = page.locator("#photo").evaluate("canvas => canvas.toDataURL()")
    page.fill("#title", "Women polka dot dress")
    sync_api.expect(page.locator("#decision")).to_contain_text("by text and photo")
    page.click("#why summary")
    sync_api.expect(page.locator("#reasons")).to_contain_text("dress")
    assert page.locator("#photo").evaluate("canvas => canvas.toDataURL()") != before, "nothing is laid over the photo"
    page.click("#remove")
    sync_api.expect(page.locator("#photo")).to_be_hidden()
    sync_api.expect(page.locator("#decision")).to_contain_text("by the text")


def _transfer(page: Any, kind: str) -> None:
    """Drops or pastes the dress, as a person would from another window."""
    page.evaluate(
        """async ([kind, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dress.jpg", {type: "image/jpeg"}));
            const options = {bubbles: true, cancelable: true};
            const event = kind === "drop" ? new DragEvent("drop", {...options, dataTransfer: data})
                : new ClipboardEvent("paste", {...options, clipboardData: data});
            document.getElementById("drop").dispatchEvent(event);
        }""",
        [kind, list(DRESS.read_bytes())],
    )


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_photos_are_dropped_and_pasted(tab: Tab, kind: str) -> None:
    _transfer(tab.page, kind)
    sync_api.expect(_first(tab.page)).to_contain_text("Dress")
    sync_api.expect(tab.page.locator("#photo")).to_be_visible()


def test_answers_are_accepted_and_corrected_by_keyboard_alone(tab: Tab) -> None:
    page = tab.page
    page.keyboard.type("Men navy polo tshirt")  # the title has the focus from the start
    sync_api.expect(_first(page)).to_contain_text("Tshirts")
    page.locator("#suggestions button").first.focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#said")).to_have_text("Thank you: noted as right.")
    page.locator("#correct summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("topwear shirts")
    sync_api.expect(page.locator("#found [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#found [aria-selected=true]").inner_text()
    assert page.locator("#search").get_attribute("aria-activedescendant") == "found-0"
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#said")).to_contain_text(f"noted as {chosen}")


def test_errors_are_told_in_the_pages_words(tab: Tab, tmp_path: Path) -> None:
    page = tab.page
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"})
    sync_api.expect(page.locator("#error")).to_have_text("This file is no photo.")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(DRESS.read_bytes()[:60])
    page.set_input_files("#file", broken)
    sync_api.expect(page.locator("#error")).to_contain_text("This photo is damaged")
    assert "expected a whole file" in page.locator("#error").get_attribute("title"), "the service's own words are lost"
    page.fill("#title", "Women dress")  # beside text, a photo that cannot be read is a warning
    sync_api.expect(page.locator("#warnings")).to_contain_text("⚠ The photo could not be used")
    sync_api.expect(page.locator("#error")).to_be_hidden()
    page.route("**/classify", lambda route: route.fulfill(status=418, json={"code": "teapot", "detail": "It is tea."}))
    page.fill("#title", "Women")
    sync_api.expect(page.locator("#error")).to_have_text("It is tea.")  # no words of the page's own
    tab.faults.clear()  # the browser tells of every 422 by itself


@pytest.mark.parametrize(
    ("model", "title", "photo", "where", "said"),
    [
        ("fashion", "牛仔裤", None, "#error", "Попробуйте другие слова или фото"),
        ("grocery-ru", "牛仔裤", None, "#error", "Она читает только текст"),
        ("fashion", "", b"hello", "#error", "Это фото не читается"),
        ("fashion", "Women dress", b"hello", "#warnings", "учтён только текст"),
        ("fashion", "牛仔裤", "dress", "#warnings", "не знает ни одного из этих слов"),
        ("fashion", "!!!", "dress", "#warnings", "В названии нет ни слова"),
        ("fashion", "Women dress", "noise", "#warnings", "не похоже на те"),
        ("grocery-ru", "Молоко", "dress", "#warnings", "не смотрит на фото"),
    ],
)
def test_errors_and_warnings_are_told_in_russian(
    browser: Any, service: LocalService, model: str, title: str, photo: bytes | str | None, where: str, said: str
) -> None:
    tab = Tab(browser, service, locale="ru-RU")
    page = tab.page
    page.select_option("#model", model)
    if photo is not None:
        noise = io.BytesIO()
        Image.frombytes("RGB", (400, 300), random.Random(1).randbytes(3 * 400 * 300)).save(noise, "JPEG")
        data = {"dress": DRESS.read_bytes(), "noise": noise.getvalue()}[photo] if isinstance(photo, str) else photo
        page.set_input_files("#file", {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data})
    page.fill("#title", title)
    told = page.locator(where)
    sync_api.expect(told).to_contain_text(said)
    assert not re.search("[a-z]", told.inner_text()), "English is left"
    tab.context.close()


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-GB", "Not sure enough to decide by the text; these are the likeliest:"),
        ("ru-RU", "Судя по тексту, уверенности не хватает; вероятнее всего:"),
    ],
)
def test_an_answer_that_abstains_says_so_in_one_sentence(
    browser: Any, service: LocalService, locale: str, said: str
) -> None:
    tab = Tab(browser, service, locale=locale)
    tab.page.fill("#title", "women")
    sync_api.expect(tab.page.locator("#decision")).to_have_text(said)
    tab.context.close()


def test_a_service_that_is_gone_is_told(browser: Any) -> None:
    with local_service(str(ROOT / "artifacts" / "grocery-ru")) as short:
        tab = Tab(browser, short)
        tab.page.fill("#title", "Молоко")
        sync_api.expect(_first(tab.page)).to_contain_text("Молоко")
        tab.page.locator("#suggestions button").first.click()
        sync_api.expect(tab.page.locator("#said")).to_contain_text("no database")
    tab.page.fill("#title", "Молоко топлёное")
    sync_api.expect(tab.page.locator("#error")).to_have_text("The service could not be reached.")
    tab.context.close()


def _not_yet(route: Any) -> None:
    route.fulfill(status=503, json={"code": "not_ready", "detail": "The service is still loading; ask again."})


def test_a_page_opened_while_the_service_loads_comes_to_life(browser: Any, service: LocalService) -> None:
    tab = Tab(browser, service, blank=True)
    page, home = tab.page, tab.home
    for path in ("model", "categories*", "classify"):
        page.route(f"{home}{path}", _not_yet)
    page.goto(home)
    sync_api.expect(page.locator("#status")).to_have_text("The service is still loading; one moment…")
    page.fill("#title", "Men navy polo tshirt")
    with page.expect_response("**/classify"):
        pass
    sync_api.expect(page.locator("#status")).to_have_text("The service is still loading; one moment…")
    sync_api.expect(page.locator("#error")).to_be_hidden()
    page.unroute_all()
    sync_api.expect(_first(page)).to_contain_text("Topwear › Tshirts")
    sync_api.expect(page.locator("#status")).to_have_text("")
    sync_api.expect(page.locator("#model-choice")).to_be_visible()
    page.click("#correct summary")
    page.fill("#search", "topwear shirts")
    sync_api.expect(page.locator("#found [role=option]").first).to_be_visible()
    tab.context.close()


def test_a_tree_that_failed_is_asked_for_again(browser: Any, service: LocalService) -> None:
    tab = Tab(browser, service, blank=True)
    page = tab.page
    page.route(f"{tab.home}categories*", lambda route: route.abort())
    page.goto(tab.home)
    sync_api.expect(page.locator("#error")).to_have_text("The service could not be reached.")
    page.unroute_all()
    page.fill("#title", "Men navy polo tshirt")
    sync_api.expect(_first(page)).to_contain_text("Topwear › Tshirts")
    page.click("#correct summary")
    page.fill("#search", "topwear shirts")
    sync_api.expect(page.locator("#found [role=option]").first).to_be_visible()
    tab.context.close()


def test_a_phone_in_russian_in_the_dark(browser: Any, service: LocalService) -> None:
    tab = Tab(browser, service, viewport={"width": 360, "height": 740}, locale="ru-RU", color_scheme="dark",
              has_touch=True, is_mobile=True)  # fmt: skip
    page = tab.page
    sync_api.expect(page.locator("h1")).to_have_text("Какая категория?")
    assert page.evaluate("document.documentElement.lang") == "ru"
    sync_api.expect(page.locator(".camera")).to_be_visible()
    page.select_option("#model", "grocery-ru")
    page.fill("#title", "Молоко пастеризованное 3,2%")
    sync_api.expect(_first(page)).to_contain_text("Молоко")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in dark.removeprefix("rgb(").removesuffix(")").split(",")) < 150
    page.select_option("#language", "en")
    sync_api.expect(page.locator("h1")).to_have_text("Which category?")
    page.reload()
    sync_api.expect(page.locator("h1")).to_have_text("Which category?")
    tab.context.close()
    assert tab.faults == []


def test_every_control_has_a_name(tab: Tab) -> None:
    page = tab.page
    page.fill("#title", "Men navy polo tshirt")
    sync_api.expect(_first(page)).to_be_visible()
    page.click("#correct summary")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, summary, progress, a")]
            .filter((one) => one.checkVisibility())
            .filter((one) => !(one.ariaLabel || one.textContent.trim()))
            .filter((one) => ![...(one.labels ?? [])].some((label) => label.innerText.trim()))
            .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    tree = page.locator("body").aria_snapshot()
    assert 'combobox "Find the right category"' in tree
    assert 'textbox "Title"' in tree


def test_a_large_photo_is_made_small_before_it_is_sent(tab: Tab, tmp_path: Path) -> None:
    large = Image.effect_noise((4000, 3000), 90).convert("RGB")
    ImageDraw.Draw(large).rectangle((1000, 500, 3000, 2500), fill="navy")
    large.save(tmp_path / "large.jpg", quality=95)
    assert (tmp_path / "large.jpg").stat().st_size > 3_000_000
    with tab.page.expect_request("**/classify") as asked:
        tab.page.set_input_files("#file", tmp_path / "large.jpg")
    sync_api.expect(_first(tab.page)).to_be_visible()
    assert int(asked.value.headers.get("content-length") or len(asked.value.post_data_buffer or b"")) < 1_000_000


def test_the_description_is_read_on_a_phone_in_the_dark_without_scripts(browser: Any, service: LocalService) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, color_scheme="dark", java_script_enabled=False
    )
    page, faults, asked = context.new_page(), list[str](), list[str]()
    page.on("console", lambda said: faults.append(said.text))
    page.on("request", lambda request: asked.append(request.url))
    home = f"http://127.0.0.1:{service.port}/"
    page.goto(f"{home}docs")
    section = page.get_by_role("region", name="POST /classify", exact=True)
    sync_api.expect(section.get_by_text("multipart/form-data", exact=True)).to_be_hidden()
    section.get_by_text("Fields, answers and examples").press("Enter")
    sync_api.expect(section.get_by_role("heading", name="multipart/form-data")).to_be_visible()
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in dark.removeprefix("rgb(").removesuffix(")").split(",")) < 150
    context.close()
    assert faults == []
    assert all(url.startswith(home) for url in asked)

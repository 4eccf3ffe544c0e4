"""What an agent sees: the card in its main situations, in both languages and themes, by mouse, keys and ear."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import Open
from tests.browser.people import PHONES
from tests.browser.running import Running
from tests.patience import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SITUATIONS = {
    "risk": ({"phone": PHONES["risk"]}, {"de": "Frau Albers", "en": "Ms Albers"}),
    "calm": ({"phone": PHONES["calm"]}, {"de": "Hört schwer", "en": "Hört schwer"}),
    "deceased": ({"phone": PHONES["deceased"]}, {"de": "Als verstorben vermerkt", "en": "Recorded as deceased"}),
    "objects": ({"phone": PHONES["objects"]}, {"de": "Keine Einschätzung", "en": "No assessment"}),
    "household": ({"phone": PHONES["household"]}, {"de": "Gemeinsamer Anschluss", "en": "Shared line"}),
    "shared": ({"phone": PHONES["shared"]}, {"de": "Mehrere Personen möglich", "en": "Several people possible"}),
    "unknown": ({"phone": PHONES["unknown"]}, {"de": "Unbekannt", "en": "Unknown caller"}),
    "idle": ({}, {"de": "Kein Anruf", "en": "No call"}),
}
HOLES = re.compile(r"undefined|null|NaN|\[object|\{\{|Invalid Date")
PICTURES = {("risk", "de", "light"), ("risk", "en", "dark"), ("calm", "en", "light"), ("household", "de", "light")}


async def text_of(page: Page) -> str:
    """All words of the card, as they stand there."""
    said: str = await page.evaluate("window.card.shadowRoot.querySelector('.card').innerText")
    return said


async def faults(page: Page, axe: str) -> list[str]:
    """What axe holds to be serious or critical."""
    await page.evaluate(axe)
    found: Any = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_every_situation_is_said_in_both_languages_and_themes_for_every_eye_and_ear(
    open_card: Open, axe: str, keep: Any, situation: str, language: str, theme: str
) -> None:
    whom, words = SITUATIONS[situation]
    page = await open_card(**whom, lang=language, theme=theme)
    said = await text_of(page)
    assert words[language] in said
    assert not HOLES.search(said)
    assert await faults(page, axe) == []
    if (situation, language, theme) in PICTURES:
        await keep(page.locator("retention-card"), f"card-{situation}-{language}-{theme}")


async def test_the_card_says_what_is_known_at_a_glance(open_card: Open) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    said = await text_of(page)
    for words in (
        "Katrin Albers",
        "Albers Optik GmbH",
        "Inhaberin",
        "Leitende Position",
        "seit 2019 bei uns",
        "Business 1000 bis",
        "Offen: Vier Tage ohne Anschluss",
        "üblich:",
        "Stand ",
        "Betreuung: Jana Brandt",
        "bevorzugt E-Mail",
    ):
        assert words in said.replace("\xa0", " "), words
    assert re.search(r"(Kritisch|Hoch) · \d\d\s%", said)
    assert await page.locator("retention-card .reasons").first.locator("li").count() == 3
    assert re.search(r"bis \d+\s€", said)
    assert "Rettet es" in said


async def test_what_is_personal_is_never_part_of_an_address(open_card: Open, context: Any) -> None:
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    page = await open_card(phone=PHONES["risk"], email="k@example.de")
    await page.locator("retention-card .dot").wait_for()
    assert any("/events" in one for one in addresses)
    assert [one for one in addresses if "4930" in one or "example.de" in one or "Albers" in one] == []


@pytest.mark.parametrize("width", [280, 340, 720])
async def test_it_fits_every_width_from_280_pixels(open_card: Open, keep: Any, width: int) -> None:
    page = await open_card(phone=PHONES["risk"], width=width)
    await page.set_viewport_size({"width": max(420, width + 60), "height": 1500})
    too_wide = await page.evaluate(
        "() => { const edge = card.getBoundingClientRect();"
        " const out = (one) => one.width > 0 && (one.right > edge.right + 0.5 || one.left < edge.left - 0.5);"
        " return [...card.shadowRoot.querySelectorAll('.card *')].filter((one) => out(one.getBoundingClientRect()))"
        ".map((one) => one.className); }"
    )
    assert too_wide == []
    assert await page.evaluate("card.getBoundingClientRect().width") == width
    if width != 340:
        await keep(page.locator("retention-card"), f"card-{width}px")


async def test_a_reason_opens_its_evidence_and_the_rest_unfolds(open_card: Open, keep: Any) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    first = page.locator("retention-card .reason").first
    await expect(first).to_have_attribute("aria-expanded", "false")
    await first.click()
    await expect(first).to_have_attribute("aria-expanded", "true")
    evidence = page.locator("retention-card .evidence:visible")
    said = await evidence.inner_text()
    for word in ("Eintrag", "Quelle", "Datum", "Anteil", "Hilft"):
        assert word in said
    await keep(page.locator("retention-card"), "card-evidence")
    await page.locator("retention-card [data-k=more]").click()
    assert "Spricht fürs Bleiben" in await text_of(page)
    await first.click()
    await expect(evidence).to_have_count(0)


async def test_the_line_is_copied_and_used(open_card: Open, running: Running) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    line = (await page.locator("retention-card .line").inner_text())[1:-1]
    await page.evaluate(
        """() => {
          window.worn = [];
          const wear = () => worn.push(card.shadowRoot.querySelector('[data-k=copy]')?.textContent);
          new MutationObserver(wear).observe(card.shadowRoot, { subtree: true, childList: true });
        }"""
    )
    await page.locator("retention-card [data-k=copy]").click()
    await page.wait_for_function("() => worn.includes('Kopiert')")  # for a moment
    assert await page.evaluate("navigator.clipboard.readText()") == line
    await page.locator("retention-card [data-k=insert]").click()
    heard = await page.evaluate("heard.filter(([name]) => name === 'insert')")
    assert heard[0][1]["text"] == line
    await expect(page.locator("retention-card [data-k=insert]")).to_have_text("Übernommen")
    await eventually(
        lambda: ("accepted", None, None) in running.outcomes(PHONES["risk"]), "that it was said is recorded"
    )


async def test_another_suggestion_comes_with_its_own_terms_and_goes_round(open_card: Open) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    first = await page.locator("retention-card .line").inner_text()
    place = page.locator("retention-card .place")
    count = int((await place.inner_text()).split("/")[1])
    assert count > 1
    seen = {first}
    for number in range(2, count + 1):
        await page.locator("retention-card [data-k=other]").click()
        await expect(place).to_have_text(f"{number}/{count}")
        seen.add(await page.locator("retention-card .line").inner_text())
    assert len(seen) == count
    await page.locator("retention-card [data-k=other]").click()
    await expect(page.locator("retention-card .line")).to_have_text(first)
    steps = page.locator("retention-card .steps li")
    assert await steps.first.is_hidden()
    await page.locator("retention-card [data-k=steps]").click()
    await expect(steps.first).to_be_visible()


async def test_everything_works_without_a_mouse(open_card: Open) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    await page.keyboard.press("Tab")
    reached = []
    for _ in range(16):
        reached.append(await page.evaluate("card.shadowRoot.activeElement?.dataset.k ?? ''"))
        await page.keyboard.press("Tab")
    for name in ("more", "insert", "copy", "other", "steps", "saved", "lost", "pending", "add-note"):
        assert name in reached, reached
    await page.evaluate("card.shadowRoot.querySelector('.reason').focus()")
    await page.keyboard.press("Enter")
    await expect(page.locator("retention-card .evidence:visible")).to_have_count(1)
    assert (await page.evaluate("card.shadowRoot.activeElement.dataset.k")).startswith("reason-")
    await page.keyboard.press("a")
    await expect(page.locator("retention-card .place")).to_have_text(re.compile("^2/"))
    await page.keyboard.press("c")
    await expect(page.locator("retention-card [role=status]")).to_have_text("Kopiert")
    await page.keyboard.press("2")
    await expect(page.locator("retention-card [data-k=lost]")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Escape")
    await expect(page.locator("retention-card [data-k=lost]")).to_have_attribute("aria-pressed", "false")


async def test_keys_do_nothing_while_somebody_writes_or_is_elsewhere(open_card: Open) -> None:
    page = await open_card(phone=PHONES["calm"], lang="de")
    await page.keyboard.press("1")
    await page.locator("retention-card [data-k=add-note]").click()
    await page.keyboard.type("123 abc")
    assert await page.locator("retention-card textarea").input_value() == "123 abc"
    assert await page.locator("retention-card [aria-pressed=true]").count() == 0


async def test_who_listens_finds_landmarks_headings_and_what_happened(open_card: Open) -> None:
    page = await open_card(phone=PHONES["risk"], lang="de")
    tree = await page.locator("retention-card").aria_snapshot()
    for part in (
        'article "Katrin Albers"',
        'heading "Katrin Albers" [level=2]',
        'region "Risiko, 90 Tage"',
        'region "Sagen"',
        'region "Anbieten"',
        'region "Ausgang"',
        'img "Wahrscheinlichkeit zu gehen',
        'group "Ausgang"',
    ):
        assert part in tree, tree
    await page.locator("retention-card [data-k=saved]").click()
    await expect(page.locator("retention-card [role=status]")).to_have_text("Gehalten: wird gleich vermerkt")


async def test_the_host_may_choose_colours_and_the_system_may_ask_for_calm_or_contrast(
    open_card: Open, context: Any
) -> None:
    page = await open_card(phone=PHONES["risk"])
    await page.evaluate("card.style.setProperty('--retention-accent', 'rgb(1, 2, 3)')")
    colour = "getComputedStyle(card.shadowRoot.querySelector('[data-k=insert]')).backgroundColor"
    assert await page.evaluate(colour) == "rgb(1, 2, 3)"
    paper = "getComputedStyle(card.shadowRoot.querySelector('.card')).backgroundColor"
    light = await page.evaluate(paper)
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert await page.evaluate(paper) != light
    assert await page.evaluate("card.shadowRoot.getAnimations().length") == 0
    await page.evaluate("card.setAttribute('theme', 'light')")
    assert await page.evaluate(paper) == light
    await page.emulate_media(forced_colors="active")
    assert await page.locator("retention-card .bar").is_visible()


async def test_what_a_record_holds_can_only_ever_be_text(open_card: Open, running: Running) -> None:
    raw = {"id": "66", "name": "<img src=x onerror=document.title='hacked'>", "phones": ["+493023125166"]}
    running.know(("person", raw))
    page = await open_card(phone="+493023125166")
    assert "<img src=x" in json.dumps(await text_of(page))
    assert await page.title() == "Host"


@pytest.mark.parametrize(
    ("mood", "lang", "said"),
    [
        ({"predicted": 7.3, "low": 6.0, "high": 9.0}, "de", "Geschätzt: NPS 6–9 (90\u00a0%), nie geantwortet"),
        ({"predicted": 7.3, "low": 6.0, "high": 9.0}, "en", "Estimated: NPS 6–9 (90%), never answered"),
        (
            {"predicted": 8.0, "low": 8.0, "high": 8.0, "last_answer": "2025-02-03T10:00:00Z"},
            "de",
            "Geschätzt: NPS 8 (90\u00a0%), letzte Antwort am 3.2.2025",
        ),
        ({"abstained_because": "unlike"}, "en", "NPS cannot be estimated, never answered"),
        ({"kind": "answered", "score": 9.0}, "de", ""),
    ],
)
async def test_a_guess_at_a_silent_customers_mood_is_small_print_and_says_that_it_is_one(
    open_card: Open, context: BrowserContext, mood: dict[str, Any], lang: str, said: str
) -> None:
    guess = {"kind": "predicted", "metric": "nps", "scale": 10.0, "coverage": 0.9, "answers": 400}
    guess |= dict.fromkeys(("predicted", "low", "high", "last_answer", "abstained_because")) | mood

    async def add(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json=await answer.json() | {"mood": guess})

    await context.route("**/v1/assist**", add)
    page = await open_card(phone=PHONES["risk"], lang=lang)
    line = page.locator("retention-card footer [data-part=mood]")
    assert (await line.all_inner_texts()) == ([said] if said else [])


@pytest.mark.parametrize(
    ("lang", "ends", "said"),
    [
        ("de", (31_040, 71_960, "EUR"), "Kundenwert: 310–720 € (80 %)"),
        ("en", (31_040, 171_960, "GBP"), "Customer value: £310–1,720 (80%)"),
        ("de", (31_040, 31_020, "EUR"), "Kundenwert: 310 € (80 %)"),
        ("en", None, None),
    ],
)
async def test_how_far_the_value_may_be_off_is_small_print_and_what_matters_beside_it_is_named(
    open_card: Open, context: BrowserContext, lang: str, ends: tuple[int, int, str] | None, said: str | None
) -> None:
    async def add(route: Route) -> None:
        answer = await route.fetch()
        card = await answer.json()
        low, high, currency = ends or (0, 0, "")
        card["value"] |= {"adjustments": ["promoter", "prestige", "seniority", "unheard_of"]}
        card["value"] |= {
            "low": {"minor": low, "currency": currency} if ends else None,
            "high": {"minor": high, "currency": currency} if ends else None,
        }
        await route.fulfill(response=answer, json=card)

    await context.route("**/v1/assist**", add)
    page = await open_card(phone=PHONES["risk"], lang=lang)
    lines = await page.locator("retention-card footer [data-part=worth]").all_inner_texts()
    assert [line.replace("\xa0", " ") for line in lines] == ([said] if said else [])
    words = {
        "de": ["Empfiehlt uns weiter", "Bekannte Marke", "Leitende Position"],
        "en": ["Recommends us", "Well-known name", "Senior position"],
    }
    assert await page.locator("retention-card [data-matters]").all_inner_texts() == words[lang]

"""What decides a criterion of WCAG 2.2 on all pages at once: titles, the menu, the sign-in form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callmon.text.labels import LANGUAGES
from tests.pages.test_pages import addresses, get
from tests.support.pages_app import NOBODY, pages
from tests.support.pages_daemon import Site


def menu(page: str) -> list[str]:
    part = page.partition('<nav aria-label="Pages">')[2].partition("</nav>")[0]
    return re.findall(r'href="([^"]+)"', part)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_menu_has_the_same_order_on_every_page_with_the_guide_last(place: Site, language: str) -> None:
    """3.2.3, 3.2.6."""
    menus = [menu(get(place, path).text) for path in addresses(language, place)]
    assert menus == [menus[0]] * len(menus)
    assert (len(menus[0]), menus[0][-1]) == (8, f"/{language}/guide")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_has_a_title_of_its_own(place: Site, language: str) -> None:
    """2.4.2."""
    titles = [
        title
        for path in addresses(language, place)
        for title in re.findall("<title>(.*?) \N{EN DASH}", get(place, path).text)
    ]
    assert (len(titles), sorted({*titles})) == (len(addresses(language, place)), sorted(titles))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_a_sound_a_film_or_a_picture_of_pixels(place: Site, language: str) -> None:
    """1.2, 1.4.2, 1.4.5: drawings are SVG."""
    written = "".join(get(place, path).text for path in addresses(language, place))
    assert re.findall(r"<(?:img|picture|canvas|audio|video|object|embed|iframe)\b", written) == []
    assert "<svg" in written


@pytest.mark.parametrize("path", ["/fr/connexion", "/en/sign-in"])
def test_a_password_manager_can_fill_the_sign_in_form(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    """3.3.8, 1.3.5: two fields, each with its purpose."""
    with pages(tmp_path_factory.mktemp("door")) as opened:
        page = opened.visitors[NOBODY].get(path).text
    fields = [field for field in re.findall(r"<input [^>]*>", page) if 'type="hidden"' not in field]
    assert [re.findall(r'autocomplete="([^"]+)"', field) for field in fields] == [
        ["username"],
        ["current-password"],
    ]


@pytest.mark.parametrize(
    ("path", "purpose"),
    [
        ("/en/sign-in", "These pages show staff how the telephone service standards are met."),
        (
            "/fr/connexion",
            "Ces pages montrent au personnel comment les normes de service téléphonique sont respectées.",
        ),
    ],
)
def test_sign_in_begins_with_what_the_pages_are_for(tmp_path: Path, path: str, purpose: str) -> None:
    with pages(tmp_path) as opened:
        page = opened.visitors[NOBODY].get(path).text
    main, _, foot = page.partition("<main")[2].partition("</main>")
    assert main.partition("</h1>")[2].lstrip().startswith(f"<p>{purpose}</p>")
    assert (main.count('href="/metrics"'), foot.count('href="/metrics"')) == (0, 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_menu_has_five_entries_and_the_rest_below_more(place: Site, language: str) -> None:
    page = get(place, f"/{language}/guide").text
    part = page.partition('<nav aria-label="Pages">')[2].partition("</nav>")[0]
    daily, _, rest = part.partition("<details>")
    more = {"fr": "Plus", "en": "More"}[language]
    assert rest.startswith(f'<summary class="here">{more}</summary>')
    assert (len(re.findall("<a ", daily)), len(re.findall("<a ", rest))) == (5, 3)
    assert re.findall('href="([^"]+)" aria-current="page"', part) == [f"/{language}/guide"]

"""The settings of the open-data package: who publishes the statistics, and under which licence.

Data portals and the federal columns of service standards need them; no figure depends on them.
"""

from typing import Any

from callmon.config.validation import Table, setting

ONTARIO = "https://www.ontario.ca"
ADDRESS = r"^https?://\S+$"


def _web_address(purpose: str, *default: str) -> Any:
    return setting(purpose, *default, pattern=ADDRESS)


class OpenDataSettings(Table):
    """[open_data]"""

    publisher: str = setting(
        "identifier of the ministry at the data portal", pattern=r"^[a-z0-9][a-z0-9_-]{1,99}$"
    )
    publisher_fr: str = setting("its French name", min_length=1)
    publisher_en: str = setting("its English name", min_length=1)
    standards_url_fr: str = _web_address("French web page that states the service standards")
    standards_url_en: str = _web_address("English web page that states the service standards")
    licence: str = setting("identifier of the licence at the data portal", "OGL-ON-1.0", min_length=1)
    licence_fr: str = setting(
        "French title of the licence", "Licence du gouvernement ouvert \N{EN DASH} Ontario", min_length=1
    )
    licence_en: str = setting(
        "English title of the licence", "Open Government Licence \N{EN DASH} Ontario", min_length=1
    )
    licence_url_fr: str = _web_address(
        "French text of the licence", f"{ONTARIO}/fr/page/licence-du-gouvernement-ouvert-ontario"
    )
    licence_url_en: str = _web_address(
        "English text of the licence", f"{ONTARIO}/page/open-government-licence-ontario"
    )

    def text(self, name: str, language: str) -> str:
        """The value of `name` in one language: text("licence", "fr") is `licence_fr`."""
        found: str = getattr(self, f"{name}_{language}")
        return found

"""Draws boards with Grafana's own components, over http on loopback: a page of `set_content` has no localStorage.

For a person, by hand, with the frames of a run (`FRAMES.pkl BOARDS LANGUAGES SITE OUT`); no test reads the figures
back yet. SITE holds draw.js and draw.css, made in a folder with the packages of package.json
(`npm install --ignore-scripts --legacy-peer-deps`) by:

    esbuild draw.tsx --bundle --format=iife --jsx=automatic --outfile=draw.js
        --alias:react-custom-scrollbars-2=./scrollbars.js --define:process.env.NODE_ENV=\\"development\\"
        --loader:.ttf=dataurl --loader:.svg=dataurl --loader:.woff2=dataurl --loader:.woff=dataurl
        --loader:.png=dataurl
"""

from __future__ import annotations

import functools
import http.server
import pickle
import sys
import threading
from pathlib import Path

from tests.boards import lint
from tests.lab.browser import Chromium, connected, opened, shot

PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<link rel="stylesheet" href="draw.css">
<style>body{{margin:0;background:#0B1220}}#page{{position:relative}}</style></head>
<body><div id="page"></div><script src="draw.js"></script></body></html>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def main(frames_file: str, boards: str, languages: str, site: str, out: str) -> None:
    told = pickle.loads(Path(frames_file).read_bytes())
    frames, now = told["frames"], told["now"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Chromium() as chromium, connected(chromium) as browser:
        for language in languages.split(","):
            (Path(site) / f"{language}.html").write_text(PAGE.format(language=language))
            for name in boards.split(","):
                zoom = 1.75 if name == "live" else 1
                address = f"http://127.0.0.1:{server.server_address[1]}/{language}.html"
                with opened(browser, address, 1920, 1080, "dark", zoom=zoom) as page:
                    board = lint.read(language)[name]
                    since = {
                        "live": now - now % 86400 + 5 * 3600,
                        "itself": now - 600,
                        "disruptions": now - 7 * 86400,
                    }
                    choices = {
                        "lang": language,
                        "zone": "America/Toronto",
                        "range": [since.get(name, now - 30 * 86400) * 1000, now * 1000],
                    }
                    given = {str(p["id"]): frames[language, name, p["id"]] for p in board["panels"]}
                    page.evaluate("([b, f, c]) => window.draw(b, f, c)", [board, given, choices])
                    page.wait_for_timeout(2500)
                    shot(page, Path(out) / f"{name}-{language}.png", whole=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

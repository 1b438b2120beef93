"""Imports the dashboards into a running Superset: `SUPERSET_PASSWORD=… python infra/superset/importer.py ADDRESS`.

What was imported before is replaced: the same files give the same dashboards, however often they are sent.
"""

import argparse
import http.cookiejar
import json
import os
import urllib.error
import urllib.request
import uuid

from bundle import bundle

TIMEOUT = 300


class Refused(Exception):
    """What Superset answers in place of what was asked."""


class Api:
    """The API of a Superset, as a user."""

    def __init__(self, url: str, user: str, password: str):
        self.url = url.rstrip("/")
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.headers: dict[str, str] = {"Referer": self.url}
        given = {"username": user, "password": password, "provider": "db"}
        self.headers["Authorization"] = f"Bearer {self.post('security/login', given)['access_token']}"
        self.headers["X-CSRFToken"] = self.get("security/csrf_token/")["result"]

    def ask(self, path: str, body: bytes | None = None, kind: str = "application/json") -> dict:
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", body, {**self.headers, "Content-Type": kind})
        try:
            with self.browser.open(request, timeout=TIMEOUT) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"{path}: {error.code} {error.read().decode(errors='replace')[:3000]}") from None

    def get(self, path: str) -> dict:
        return self.ask(path)

    def post(self, path: str, body: dict) -> dict:
        return self.ask(path, json.dumps(body).encode())

    def send(self, assets: bytes):
        """Imports a ZIP of databases, datasets, charts and dashboards."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="bundle"; filename="assets.zip"\r\nContent-Type: application/zip\r\n\r\n'
        self.ask("assets/import/", head.encode() + assets + f"\r\n--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="https://superset.example.org")
    parser.add_argument("--user", default="admin", help="who may import; the password stands in SUPERSET_PASSWORD")
    parser.add_argument("--uri", help="connection in place of that of databases/carelake.yaml, as SQLAlchemy writes it")
    arguments = parser.parse_args()
    Api(arguments.address, arguments.user, os.environ["SUPERSET_PASSWORD"]).send(bundle(arguments.uri))
    print(f"imported into {arguments.address}")


if __name__ == "__main__":
    main()

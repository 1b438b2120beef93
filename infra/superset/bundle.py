"""Packs the dashboards into a ZIP that Superset imports: `python infra/superset/bundle.py dashboards.zip`.

`--uri` puts another connection in place of the one in databases/carelake.yaml; nothing else differs between lakes.
"""

import argparse
import io
import re
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = ("databases", "datasets", "charts", "dashboards")


def bundle(uri: str | None = None) -> bytes:
    """The ZIP; the same files give the same bytes."""
    out = io.BytesIO()
    files = [HERE / "metadata.yaml", *(file for folder in FOLDERS for file in sorted((HERE / folder).rglob("*.yaml")))]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            text = file.read_text(encoding="utf-8")
            if uri and file.parent.name == "databases":
                text = re.sub(r"^sqlalchemy_uri: .*$", lambda _: f"sqlalchemy_uri: {uri}", text, flags=re.MULTILINE)
            # Superset wants everything in one folder. The time is that of no file, so that bytes do not differ.
            packed.writestr(zipfile.ZipInfo(f"carelake/{file.relative_to(HERE)}"), text)
    return out.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the ZIP")
    parser.add_argument("--uri", help="connection, as SQLAlchemy writes it")
    arguments = parser.parse_args()
    arguments.out.write_bytes(bundle(arguments.uri))
    print(arguments.out)


if __name__ == "__main__":
    main()

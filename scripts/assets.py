"""Pack what the pages load into grace/kit/static/vendor, from the packages that npm put into assets/node_modules.

Scripts and fonts are copied as they are; the icons named in assets/icons.txt become one sprite. Each package's
licence goes along.
"""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "assets" / "node_modules"
VENDOR = ROOT / "grace" / "kit" / "static" / "vendor"
FILES = {
    "htmx.org": ("dist/htmx.min.js",),
    "idiomorph": ("dist/idiomorph-ext.min.js",),
    "sortablejs": ("Sortable.min.js",),
    "@fontsource-variable/geist": (
        "files/geist-latin-wght-normal.woff2",
        "files/geist-latin-ext-wght-normal.woff2",
    ),
    "@fontsource-variable/geist-mono": ("files/geist-mono-latin-wght-normal.woff2",),
    "lucide-static": (),
}


def main() -> None:
    """Build the folder anew and put it in the place of the old one."""
    made = VENDOR.with_name("vendor.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for package, files in FILES.items():
        for file in files:
            shutil.copy(PACKAGES / package / file, made / Path(file).name)
        shutil.copy(PACKAGES / package / "LICENSE", made / f"{package.replace('/', '-').lstrip('@')}.LICENSE")
    (made / "icons.svg").write_text(sprite((ROOT / "assets" / "icons.txt").read_text().split()))
    shutil.rmtree(VENDOR, ignore_errors=True)
    made.rename(VENDOR)


def sprite(names: list[str]) -> str:
    """One SVG with a symbol for each icon, shown by `<use href="icons.svg#name">`."""
    symbols = []
    for name in names:
        drawing = (PACKAGES / "lucide-static" / "icons" / f"{name}.svg").read_text()
        inside = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
        if inside is None:
            raise SystemExit(f"assets: the icon {name} has no drawing")
        lines = " ".join(inside[1].split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{lines}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


if __name__ == "__main__":
    main()

"""WordPress plugins and themes: the header comment of a plugin's main file, or of a theme's `style.css`.

Format: https://developer.wordpress.org/plugins/plugin-basics/header-requirements/ and
https://developer.wordpress.org/themes/basics/main-stylesheet-style-css/. WordPress looks in the first 8 KiB. The folder is the name under which
wordpress.org knows both.
"""

import re
from collections.abc import Iterator

from hullmark.detectors.detector import Detector, File
from hullmark.model.facts import Package, Unread

_HEADER_BYTES = 8192
_FIELD = re.compile(r"^[ \t/*#@]{0,40}(Plugin Name|Theme Name|Version|License):([^\n]*)$", re.MULTILINE)
_VERSION = re.compile(r"\d[\w.+-]*")


def read(file: File) -> Iterator[Package | Unread]:
    """Give the plugin or theme; other PHP files and style sheets have no such header."""
    theme = file.name == "style.css"
    fields: dict[str, str] = {}
    for found in _FIELD.finditer(file.body[:_HEADER_BYTES].decode("utf-8", "replace").replace("\r", "\n")):
        fields.setdefault(found[1], found[2].strip().removesuffix("*/").strip())
    if not fields.get("Theme Name" if theme else "Plugin Name"):
        return
    parts = file.path.split("/")
    # a plugin can be one file right in the folder of all
    name = parts[-1].removesuffix(".php") if parts[-2] == "plugins" else parts[-2]
    version = fields.get("Version", "")
    if not _VERSION.fullmatch(version):
        yield file.unread("plugin or theme without a version", kind="file")
        return
    yield Package(
        ecosystem="wordpress-theme" if theme else "wordpress-plugin",
        name=name,
        version=version,
        licences=(fields["License"],) if fields.get("License") else (),
    )


DETECTOR = Detector(
    name="wordpress",
    version=1,
    wants=(
        "**/wp-content/plugins/*/*.php",
        "**/wp-content/plugins/*.php",
        "**/wp-content/themes/*/style.css",
    ),
    read=read,
)

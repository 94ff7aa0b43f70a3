"""Licences as package metadata states them, in SPDX words where the words used have one meaning only.

SPDX licence list: https://spdx.org/licenses/. Trove classifiers: core metadata, `Classifier`.
"""

import re
from typing import Any

_MAX_LENGTH = 100

_CLASSIFIERS = {
    "Academic Free License (AFL)": "",
    "Apache Software License": "",
    "Artistic License": "",
    "BSD License": "",
    "Blue Oak Model License (BlueOak-1.0.0)": "BlueOak-1.0.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "CeCILL-B Free Software License Agreement (CECILL-B)": "CECILL-B",
    "CeCILL-C Free Software License Agreement (CECILL-C)": "CECILL-C",
    "Common Development and Distribution License 1.0 (CDDL-1.0)": "CDDL-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.1 (EUPL 1.1)": "EUPL-1.1",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.0 (MPL)": "MPL-1.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Mulan Permissive Software License v2 (MulanPSL-2.0)": "MulanPSL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Python Software Foundation License": "",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "University of Illinois/NCSA Open Source License": "NCSA",
    "W3C License": "W3C",
    "Zope Public License": "",
    "zlib/libpng License": "",
}
"""The last part of a `License ::` classifier; empty where it covers several licences or versions."""

_PHRASES = {
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license (mit)": "MIT",
    "mit licence": "MIT",
    "expat": "MIT",
    "isc license": "ISC",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache software license, version 2.0": "Apache-2.0",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd-3-clause license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "simplified bsd license": "BSD-2-Clause",
    "gplv2": "GPL-2.0-only",
    "gplv2+": "GPL-2.0-or-later",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "lgplv3": "LGPL-3.0-only",
    "lgplv3+": "LGPL-3.0-or-later",
    "mpl 2.0": "MPL-2.0",
    "mozilla public license 2.0": "MPL-2.0",
    "the unlicense": "Unlicense",
}

_EXPRESSION = re.compile(r"\(?[A-Za-z0-9.+-]+\)?(?: (?:AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*+")
_NOTHING = frozenset({"", "unknown", "none", "n/a"})


def of_text(text: str) -> tuple[str, ...]:
    """Give a short statement of a licence, in SPDX words where it can be; a whole licence text gives nothing."""
    line = text.strip()
    if len(line) > _MAX_LENGTH or not line.isprintable() or line.lower() in _NOTHING:
        return ()
    return (_PHRASES.get(line.lower(), line),)


def of_python(expression: str, classifiers: list[str], text: str) -> tuple[str, ...]:
    """Give what Python's core metadata says: `License-Expression`, else exact classifiers, else what is left."""
    if found := of_text(expression):
        return found
    vague: list[str] = []
    exact: list[str] = []
    for classifier in classifiers:
        head, _, words = classifier.rpartition("::")
        if head.strip().startswith("License"):
            spdx = _CLASSIFIERS.get(words.strip(), "")
            if spdx:
                exact.append(spdx)
            elif words.strip() != "OSI Approved":
                vague += of_text(words)
    stated = of_text(text)
    if vague and stated and _EXPRESSION.fullmatch(stated[0]):
        # `BSD License` covers several licences: what the free text names is more exact
        return stated
    return tuple(dict.fromkeys(exact + vague)) or stated


def of_npm(value: Any) -> tuple[str, ...]:
    """Give what `license` or the older `licenses` of a package.json say: a text, `{type}` or a list of either."""
    found: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        name = item.get("type") or item.get("name") if isinstance(item, dict) else item
        if isinstance(name, str):
            found += of_text(name)
    return tuple(dict.fromkeys(found))

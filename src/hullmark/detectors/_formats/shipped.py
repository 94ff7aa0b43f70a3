"""Lock files that an installed package brought along: what its authors used, not what is in the image.

Such a file (of an example, a test, an editor's extension in the package) is never read by the tool whose name it bears, and
what it lists is not there. Layouts: npm's `node_modules`, Python's site-packages, RubyGems' `gems/<name>-<version>`, Go's
module cache, Cargo's registry sources and checkouts.
"""

import re

_FOLDERS = re.compile(
    r"/(?:node_modules|site-packages|dist-packages|gems/[^/]+-\d[^/]*|pkg/mod/[^\n]+@v[^/]+|registry/src|git/checkouts)/"
)


def is_shipped(path: str) -> bool:
    """Tell whether a file lies inside an installed package."""
    return _FOLDERS.search(f"/{path}") is not None

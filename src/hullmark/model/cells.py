"""Words of an image made fit for a spreadsheet's cell.

Names and texts are an image's or a publisher's, and a spreadsheet runs what looks like a formula: such a cell gets an apostrophe in
front (https://owasp.org/www-community/attacks/CSV_Injection).
"""

import re

from hullmark.model.printable import printable

_FORMULA = re.compile(r"""(?:\A|(?<=[;,|"'])|(?<=[;,|"'] ))(?=[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊])""")
"""Before a sign that starts a formula: at the start, after quotes, and where another program would see a cell's border."""
_HARMLESS = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9 ._:/+@=&?%~-]{0,2000})?")
_CELL = 32_000  # a spreadsheet's cell takes 32,767 characters


def cell(text: str) -> str:
    """Give a text on one line, with nothing that a spreadsheet would compute."""
    if _HARMLESS.fullmatch(text):
        return text
    return _FORMULA.sub("'", printable(" ".join(text[:_CELL].split())))[:_CELL]

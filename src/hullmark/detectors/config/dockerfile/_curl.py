"""How downloads are written: the options of curl, and addresses of the machine itself."""

import re

OWN = re.compile(
    r"(?i)https?://(?:[^/@\s]{1,100}@)?(?:localhost|127\.|\[::1\]|0\.0\.0\.0|host\.docker\.internal)"
)
"""An address that no network is asked for."""
_WITH_VALUE = "oHduAxebcFTXwmKrCED"  # what follows one of these in a group of letters is its value


def curl_letters(text: str) -> str:
    """Give the letters in a group of options, up to one that takes the rest as its value."""
    letters = text[1:]
    for at, letter in enumerate(letters):
        if letter in _WITH_VALUE:
            return letters[: at + 1]
    return letters


def takes_next(text: str) -> bool:
    """Tell whether a group of letters ends with one whose value is the next word."""
    letters = curl_letters(text) if text[:1] == "-" and text[1:2].isalpha() else ""
    return letters[-1:] in set(_WITH_VALUE) and len(text) == len(letters) + 1

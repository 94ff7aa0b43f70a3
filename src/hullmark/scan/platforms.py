"""`--platform`: one of an image's platforms, or all of them."""

from hullmark.images.open import offered_platforms
from hullmark.images.source import SourceOptions
from hullmark.model.errors import UsageError
from hullmark.model.image import Platform


def platforms_of(reference: str, text: str, options: SourceOptions) -> list[Platform | None]:
    """Give the platforms to scan: None means this machine's."""
    if not text:
        return [None]
    if text == "all":
        return list(offered_platforms(reference, options)) or [None]
    parts = text.split("/")
    if not 1 < len(parts) <= 3 or not all(parts):
        raise UsageError(f"{text!r} is no platform", hint="os/arch[/variant], like linux/arm64, or all")
    return [Platform(*parts)]

"""What a VEX statement speaks of: an image, packages in an image, or a package wherever it is."""

from collections.abc import Sequence
from typing import NamedTuple

from hullmark.findings.naming import IMAGES, is_digest, parsed
from hullmark.findings.statements._words import purl_fault


class Aim(NamedTuple):
    """The packages (of every image where `products` is empty) and the images that a statement is about."""

    packages: tuple[str, ...]
    products: tuple[str, ...]


def aim(names: Sequence[str], parts: Sequence[str], status: str, *, has_parts: bool = False) -> Aim:
    """Tell what is meant by a product of several names and its parts. Raises `ValueError` with why that cannot be said here.

    A package within another package is not told apart from the same package elsewhere in an image, where it may well be affected. And
    that something is fixed says nothing without a version. `has_parts`: there are parts, though none has a name.
    """
    names = _most_exact([name for name in names if name])
    purls = [name for name in names if name.startswith("pkg:")]
    if not names:
        raise ValueError("its product has neither id nor package URL")
    if fault := next((fault for purl in purls if (fault := purl_fault(purl))), ""):
        raise ValueError(fault)
    packages = tuple(part for part in parts if not purl_fault(part))
    if (parts or has_parts) and not packages:
        raise ValueError("what it speaks of within its product has no package URL")
    if purls and not any(_is_image(purl) for purl in purls):
        if packages:
            raise ValueError(
                f"it speaks of a package within {purls[0][:100]!r}, which is told apart from no other"
            )
        if status == "fixed" and not _has_version(purls[0]):
            raise ValueError(f"fixed, but without a version: {purls[0][:100]!r}")
        return Aim((purls[0],), ())
    if status == "fixed" and not (
        all(map(_has_version, packages)) if packages else any(map(_has_version, names))
    ):
        raise ValueError(f"fixed, but without a version: {names[0][:100]!r}")
    return Aim(packages, tuple(name for name in names if not name.startswith("pkg:") or _is_image(name)))


def _most_exact(names: list[str]) -> list[str]:
    """Give those of a product's names that hold a digest, if any do: its other names may be those of another image by now."""
    exact = [name for name in names if _is_digest(name)]
    return exact or names


def _is_digest(name: str) -> bool:
    found = parsed(name)
    if found is None:
        return is_digest(name)
    return found.type in IMAGES and is_digest(found.version)


def _is_image(purl: str) -> bool:
    found = parsed(purl)
    return found is not None and found.type in IMAGES


def _has_version(name: str) -> bool:
    """Tell whether a name is of one version; what is no package URL is taken for one, as a digest or a tag is."""
    found = parsed(name)
    return found is None or bool(found.version or found.qualifiers.get("tag"))

"""An image of Podman on this machine, whose service is asked as Docker's daemon is."""

from hullmark.images._daemon import Kind, source

KIND = Kind(
    name="Podman",
    source="podman",
    variable="CONTAINER_HOST",
    places=("{runtime}/podman/podman.sock", "/run/podman/podman.sock"),
)
SOURCE = source(KIND, ("podman",), rank=91)

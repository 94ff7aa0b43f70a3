"""An image of the Docker daemon on this machine."""

from hullmark.images._daemon import Kind, source

KIND = Kind(
    name="Docker",
    source="docker-daemon",
    variable="DOCKER_HOST",
    places=("/var/run/docker.sock", "{runtime}/docker.sock", "{home}/.docker/run/docker.sock"),
)
SOURCE = source(KIND, ("docker", "docker-daemon"), rank=90)

"""What a policy is given beside the report: where the question comes up."""

from msgspec import Struct

from hullmark.model.report import Report


class Attested(Struct, frozen=True, kw_only=True):
    """An attestation that was found for the image. `identity` is the key or the signer, empty where the signature is not verified."""

    predicate_type: str = ""
    identity: str = ""
    verified: bool = False


class Pod(Struct, frozen=True, kw_only=True):
    """What asks for the image in a cluster."""

    kind: str = ""
    name: str = ""
    service_account: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Context(Struct, frozen=True, kw_only=True):
    """Where the question comes up. What is not known is empty.

    `as_of_ns` is the time of the scan in nanoseconds since 1970, the only clock that a policy has. `reference` is the image as it was asked for,
    `registry` (with the port), `repository`, `tag` and `digest` are its parts. `labels` are those of the image's configuration, `namespace_labels` those of
    the namespace. `place` is `pipeline`, `registry`, `admission` or `fleet`, or a word of your own.
    """

    as_of_ns: int
    place: str = "pipeline"
    reference: str = ""
    registry: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    labels: dict[str, str] = {}
    cluster: str = ""
    namespace: str = ""
    namespace_labels: dict[str, str] = {}
    pod: Pod | None = None
    attestations: tuple[Attested, ...] = ()


class PolicyInput(Report, frozen=True, kw_only=True):
    """The `input` of a policy: the report, and the context. What is only not shown (`--severity`) is in its lists all the same."""

    context: Context

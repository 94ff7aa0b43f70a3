"""The commands there are. Each is named by a string, so that only the one that runs is imported."""

import importlib

from msgspec import Struct

from hullmark.cli.options import Settings


class Command(Struct, frozen=True):
    """A command: its words, the Struct of its settings as `module:class`, and what it is for in one line."""

    name: str
    target: str
    help: str

    def load(self) -> type[Settings]:
        """Import what the command is told by, and what it does."""
        module, _, name = self.target.partition(":")
        found: type[Settings] = getattr(importlib.import_module(f"hullmark.cli.{module}"), name)
        return found


COMMANDS = (
    Command("scan", "scan:Scan", "Scan images and say what is vulnerable in them."),
    Command("lint", "lint:Lint", "Say what is wrong in Dockerfiles, and mend what can be."),
    Command("convert", "convert:Convert", "Write a stored report in other formats, and put it to a gate."),
    Command("explain", "explain:Explain", "Explain why an image is affected by a flaw, or why it is not."),
    Command("diff", "diff:Diff", "Say what differs between two images."),
    Command("layers", "layers:Layers", "Show the layers of an image: bytes, waste, order."),
    Command("bases", "bases:Bases", "Say on which other base an image would have fewer findings and bytes."),
    Command(
        "ignore",
        "ignore:Ignore",
        "Keep the file of what is not to be reported: add to it, list it, say it in VEX.",
    ),
    Command("sbom", "sbom:Sbom", "List the packages of an image without matching them."),
    Command(
        "compliance",
        "compliance:Compliance",
        "Put an image to the controls of NIST SP 800-190 and 800-53, PCI DSS and CIS Docker.",
    ),
    Command(
        "promote",
        "promote:Promote",
        "Copy an image from one repository to another, if what is in it may pass.",
    ),
    Command("pin", "pin:Pin", "Say how firmly files name their images, and write the digests."),
    Command("policy eval", "policy:Eval", "Say what policies decide on stored reports."),
    Command("policy test", "policy:Test", "Run the tests of policies, as opa test does."),
    Command("policy check", "policy:Check", "Say whether policies can be used."),
    Command(
        "policy list",
        "policy:List",
        "List the packs that come with Hullmark, and what each makes of each rule.",
    ),
    Command("policy explain", "policy:Explain", "Show all there is of a policy's rule."),
    Command("policy build", "policy:Build", "Write policies as a bundle for an OPA server."),
    Command(
        "attest", "attest:Attest", "Sign the SBOM and the result of a scan, and store them beside the image."
    ),
    Command(
        "verify",
        "verify:Verify",
        "Say which attestations of an image are of a key that is trusted, and what they say.",
    ),
    Command("rules", "rules:Rules", "List the rules, or show all there is of one."),
    Command("db build", "database:Build", "Build the database from the publishers' files in a folder."),
    Command("db update", "database:Update", "Fetch what the publishers have changed."),
    Command(
        "db status",
        "database:Status",
        "Show parts: feed, records, statements, size, age, newest record, revision.",
    ),
    Command("db push", "publishing:Push", "Publish the database in a registry."),
    Command(
        "db export", "publishing:Export", "Write the database into one file, for machines without a network."
    ),
    Command("db import", "publishing:Import", "Take the database out of a file that `db export` made."),
    Command("db show", "lookup:Show", "Show all that the database says of a flaw."),
    Command("db search", "lookup:Search", "List the advisories that speak of a package."),
    Command("cache info", "cache:Info", "Show where the cache is and what it holds."),
    Command("cache prune", "cache:Prune", "Remove what was not used for longest until the rest fits."),
    Command(
        "cache clear", "cache:Clear", "Remove all that is remembered of layers. The advisory database stays."
    ),
    Command("config", "config:Config", "Show every setting, its value and where that comes from."),
    Command("completion", "completion:Completion", "Write what makes a shell complete commands and flags."),
)
GROUPS = {
    "": "Finds what is wrong in container images and decides, by policy, whether they may sail.",
    "db": "Keep the advisory database fresh, build it, see what is in it.",
    "policy": "Ask, test, check and show policies.",
    "cache": "See, prune and clear what is remembered of layers.",
}


def below(group: str) -> dict[str, str]:
    """Give the words that may follow a group's, each with what it is for."""
    words = group.split()
    found = {}
    for command in COMMANDS:
        path = command.name.split()
        if path[: len(words)] == words:
            name = path[len(words)]
            found[name] = GROUPS.get(" ".join([*words, name]), command.help)
    return found

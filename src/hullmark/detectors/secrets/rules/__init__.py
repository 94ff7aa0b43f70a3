"""Rule packs: each module has `RULES`, a tuple of `SecretRule`. Adding a pack touches nothing else."""

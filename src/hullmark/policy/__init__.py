"""Decisions: Rego policies over a report, the engine that evaluates them, and the packs that come with Hullmark."""

"""The whole way once: a reference becomes a report. The only room that knows all steps."""

"""Files of a layer become facts. One module an ecosystem under `packages/`; no input or output of their own."""

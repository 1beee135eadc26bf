"""One module per domain; each offers ``build(spec) -> Simulator``."""

"""The built-in task specs: one YAML file per domain, read by ``newt_core.specs.load``."""

"""The one place that states Newt's version; the package metadata is made from it."""

__version__ = "0.1.0"

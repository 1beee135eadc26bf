"""Frozen encoders: from an instruction's text to the vector that conditions the agent."""

from newt_core.encoders.text import TextEncoder, ZeroEncoder, make_text_encoder
from newt_core.encoders.text_hashed import HashedEncoder

__all__ = ["HashedEncoder", "TextEncoder", "ZeroEncoder", "make_text_encoder"]

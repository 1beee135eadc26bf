"""Frozen encoders: from an instruction's text to the vector that conditions the agent."""

from newt_core.encoders.text.base import OneHotEncoder, TextEncoder, ZeroEncoder
from newt_core.encoders.text.choose import choose_text_encoder, make_text_encoder
from newt_core.encoders.text.clip import ClipEncoder
from newt_core.encoders.text.file import FileEncoder
from newt_core.encoders.text.hashed import HashedEncoder
from newt_core.encoders.text.saved import SavedText, TextOptions

__all__ = [
    "ClipEncoder",
    "FileEncoder",
    "HashedEncoder",
    "OneHotEncoder",
    "SavedText",
    "TextEncoder",
    "TextOptions",
    "ZeroEncoder",
    "choose_text_encoder",
    "make_text_encoder",
]

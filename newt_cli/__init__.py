"""The command line: thin functions that parse, call ``newt_core`` and print."""

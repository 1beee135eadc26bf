"""One file per command: each joins the parts below it into what the command does."""

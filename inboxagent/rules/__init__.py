"""Rule files: text -> a Sequence, or every problem at once with its file, line and column. Pure."""

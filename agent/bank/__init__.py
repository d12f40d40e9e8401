"""Voice banking: somebody's voice is recorded while it lasts, and kept as theirs."""

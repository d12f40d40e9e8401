"""What keeps people safe from the machine, and their likeness theirs."""

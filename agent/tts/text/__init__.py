"""Text for the ear: the rules by which written English and Chinese are said, one language to a file."""

"""The sans-I/O core: it opens no socket, starts no thread and reads no clock."""

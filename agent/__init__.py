"""The conversation: sound in, words, sound out."""

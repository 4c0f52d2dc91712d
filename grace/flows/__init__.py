"""The business in sentences, across domains."""

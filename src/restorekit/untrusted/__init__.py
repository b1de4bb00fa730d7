"""Text and JSON from outside, checked and bounded before use."""

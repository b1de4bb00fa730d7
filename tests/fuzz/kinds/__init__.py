"""The kinds of attack; each module's `attack` runs one case in an empty folder."""

KINDS = ("pictures", "whole_pictures", "configs", "checkpoints", "arrays", "plugins", "faults")

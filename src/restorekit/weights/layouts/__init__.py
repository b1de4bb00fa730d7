"""Layouts of the checkpoints of other projects, one network or project a file: the kind `layout`.

A layout converts a state dict to one of our architectures, and returns None for other keys. It
raises CheckpointError if the keys are of its layout but the shapes are not.
"""

"""Datasets of clean images to train on.

`folder`, `samples` and `torchvision_sets` define the datasets. `patches` cuts pictures into
patches, `colour` halves the resolution of colour, and `pairs` finds the clean and the noisy file of
each picture.
"""

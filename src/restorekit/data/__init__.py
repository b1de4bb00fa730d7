"""Datasets of clean images to train on.

`folder`, `samples` and `torchvision_sets` are the datasets; `patches` cuts pictures into patches,
`colour` halves the resolution of colour, `pairs` finds the clean and the noisy file of a picture.
"""

"""Datasets of clean images to train on.

`folder`, `shards`, `parquet_rows`, `samples` and `torchvision_sets` define the datasets. `patches`
cuts pictures into patches, `colour` halves the resolution of colour, `pairs` finds the clean and
the noisy file of each picture, and `remote_files` copies files from their addresses.
"""

"""Datasets, patches, and image files in and out.

`files` reads and writes picture files of every format in `formats`, each by its own room
(`pillow_files`, `png_files`, `tiff_files`), as a `picture` with its metadata (`exif`); `faults`
says what is wrong with one. `images` turns pictures into tensors and back, `patches` cuts them;
`pairs` finds which files are a clean and a noisy picture of the same, `digests` tells pixels apart;
`folder`, `samples` and `torchvision_sets` are the datasets.
"""

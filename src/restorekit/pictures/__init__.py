"""Picture files in and out, and pixels as tensors.

`read_files` and `write_files` read and write every format in `file_formats`, each by its own module
in `codecs`, as a `picture` with `pixel_values` and `metadata`. `file_errors` explains what is wrong
with a file, `value_ranges` finds black and white, `tensors` turns pictures into tensors and back.
`folder_walk` lists the pictures of a folder; `processing` plans, changes and writes many of them.
"""

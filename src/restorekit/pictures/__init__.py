"""Picture files in and out, and pixels as tensors.

`read_files` and `write_files` read and write every format that `file_formats` finds, as a `picture`
with `pixel_values` and `metadata`. Formats are components, see `base`; each built-in one has its
own module in `codecs`. `file_errors` explains what is wrong with a file, `value_ranges` finds black
and white, `tensors` turns pictures into tensors and back.
`folder_walk` lists the pictures of a folder; `processing` plans, changes and writes many of them.
"""

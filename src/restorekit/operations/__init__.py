"""Whole jobs on picture files, as the command line offers them; nothing is printed.

`denoise_files` restores and `noise_files` adds noise. Both run `file_jobs`.
"""

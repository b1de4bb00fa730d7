"""A loaded network as a function of a batch, and the measurements that precede its use.

`loading` finds and loads it, `network` calls it; `receptive_field`, `precision` and
`activation_memory` measure it on `probe_images`; `temporary_modes` holds settings for as long as it
runs.
"""

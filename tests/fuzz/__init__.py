"""Fuzzing: damaged and strange input that must end in one line, never in a traceback or a mess.

`make test` runs a fixed number of cases of each kind, `make fuzz` as many as fit its minutes:

    python -m tests.fuzz --minutes 10
    python -m tests.fuzz --only pictures --cases 1000 --seed 7000
    python -m tests.fuzz --repeat pictures:7042 --keep broken/

A case is a kind and a seed, and does the same each time. It runs in a worker process (`worker`),
which the driver (`driver`) restarts after a crash or a hang. What holds of every case is checked in
`watch` and `command`; what each kind does is in `kinds`.
"""

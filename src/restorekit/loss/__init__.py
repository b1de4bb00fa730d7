"""Loss terms. Each maps a `Restoration` and the clean target to a scalar."""

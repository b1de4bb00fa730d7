"""Loss terms: (Restoration, target) -> scalar."""

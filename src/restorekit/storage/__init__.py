"""Files on disk: atomic writes, temporary files, locks."""

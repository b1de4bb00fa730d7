"""Picture files in and picture files out: which goes where, by which process, and what is lost."""

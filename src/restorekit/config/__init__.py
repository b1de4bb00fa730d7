"""The configuration of a training run: data model, overrides, schema, old spellings."""

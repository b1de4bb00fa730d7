"""When a picture is left as it is, and how far its restoration may change it."""

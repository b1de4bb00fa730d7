"""What is measured of a network before it is used: how far it sees, its precision, its memory."""

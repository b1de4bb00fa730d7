"""Recovering fine detail that a network removed with the noise."""

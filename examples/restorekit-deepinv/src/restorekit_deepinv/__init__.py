"""Networks and noise models of DeepInverse for restorekit."""

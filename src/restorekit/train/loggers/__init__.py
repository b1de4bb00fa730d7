"""Loggers of training runs, chosen by `train.logger`."""

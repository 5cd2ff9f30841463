"""Losses as practitioners write them, each with what is true of it."""

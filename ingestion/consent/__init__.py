"""Withdrawn consent: who withdrew, and how they disappear from originals and the lake."""

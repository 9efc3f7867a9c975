"""Chancery: a knowledge base of policy events with a citation behind every fact, served as a REST API."""

__version__ = "0.1.0"

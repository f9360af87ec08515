"""Tests of C and Python pieces that need no guest."""

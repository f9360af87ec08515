"""The Python API: what the command does, a file a subject. `elfuse` re-exports the public names."""

"""The number of an engine: a hash of what translated code depends on, for code that is kept.

version.py OUT WORD... -- FILE...
"""

import hashlib
import sys

out, *words = sys.argv[1:]
files = words[words.index("--") + 1 :]
digest = hashlib.sha256("\0".join(words).encode())
for name in files:
    with open(name, "rb") as file:
        digest.update(hashlib.sha256(file.read()).digest())
text = f"/* Made by vcpu/jit/version.py. */\n#define JIT_VERSION 0x{digest.hexdigest()[:16]}ull\n"
with open(out, "w") as file:
    file.write(text)

"""re over a made-up log: searching, finding all, replacing; SIZE times."""

import re
import sys
import time

PATHS = ["/index.html", "/img/logo.png", "/api/v2/items", "/login"]
LOG = "\n".join(
    f'10.{i * 7 % 256}.{i * 13 % 256}.7 - user{i % 24} [{i % 24:02}:{i % 60:02}] "GET {PATHS[i % 4]}?id='
    f'{i * 31} HTTP/1.1" {200 if i % 5 else 404} {i * 97}'
    for i in range(500)
)
PATTERNS = [
    re.compile(p)
    for p in (
        r"(?m)^(\d+\.){3}\d+ - (\w+)",
        r"(GET|POST) [^ ]*\.(png|gif|html)",
        r"user(1|2|3)+ .*HTTP/1\.[01]. 4\d\d",
        r"id=(\d*7) ",
    )
]

start = time.perf_counter()
total = 0
for _ in range(int(sys.argv[1])):
    for pattern in PATTERNS:
        for match in pattern.finditer(LOG):
            total = (total * 31 + match.start() + match.end()) % (1 << 61)
    total += len(re.sub(r"[aeiou]+", lambda m: m[0].upper() * 2, LOG[:8000]))
seconds = time.perf_counter() - start
print(f"checksum {total:016x}")
print(f"seconds {seconds:.6f}")

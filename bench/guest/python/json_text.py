"""json.dumps and json.loads of nested records, SIZE times."""

import hashlib
import json
import sys
import time

RECORDS = [
    {
        "id": i,
        "name": f"user {i} \u00e9\n",
        "scores": [i * 0.37 + k for k in range(8)],
        "tags": {f"t{k}": k % 2 == 0 for k in range(6)},
        "next": None if i % 3 else {"at": -i, "text": "x" * (i % 40)},
    }
    for i in range(300)
]

start = time.perf_counter()
text = ""
for turn in range(int(sys.argv[1])):
    RECORDS[0]["id"] = turn
    text = json.dumps(RECORDS, indent=2 if turn % 4 == 0 else None)
    assert json.loads(text) == RECORDS
seconds = time.perf_counter() - start
print(f"checksum {hashlib.sha256(text.encode()).hexdigest()[:16]}")
print(f"seconds {seconds:.6f}")

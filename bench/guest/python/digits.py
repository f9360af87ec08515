"""The sum of the digits of SIZE factorial: big integers, then a long string."""

import math
import sys
import time

sys.set_int_max_str_digits(0)
start = time.perf_counter()
digits = str(math.factorial(int(sys.argv[1])))
total = sum(map(int, digits))
seconds = time.perf_counter() - start
print(f"checksum digit_sum={total} digits={len(digits)}")
print(f"seconds {seconds:.6f}")

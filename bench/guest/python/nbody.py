"""The planets' orbits, as pyperformance's nbody: SIZE thousand steps."""

import sys
import time

PI = 3.141592653589793
MASS = 4 * PI * PI
YEAR = 365.24
BODIES = [
    ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], MASS),
    (
        [4.84143144246472090, -1.16032004402742839, -0.103622044471123109],
        [0.00166007664274403694 * YEAR, 0.00769901118419740425 * YEAR, -6.90460016972063023e-05 * YEAR],
        9.54791938424326609e-04 * MASS,
    ),
    (
        [8.34336671824457987, 4.12479856412430479, -0.403523417114321381],
        [-0.00276742510726411750 * YEAR, 0.00499852801234917238 * YEAR, 2.30417297573763929e-05 * YEAR],
        2.85885980666130812e-04 * MASS,
    ),
    (
        [12.8943695621391310, -15.1111514016986312, -0.223307578892655734],
        [0.00296460137564761618 * YEAR, 0.00237847173959480950 * YEAR, -2.96589568540237556e-05 * YEAR],
        4.36624404335156298e-05 * MASS,
    ),
    (
        [15.3796971148509165, -25.9193146099879641, 0.179258772950371181],
        [0.00268067772490389322 * YEAR, 0.00162824170038242295 * YEAR, -9.51592254519715870e-05 * YEAR],
        5.15138902046611451e-05 * MASS,
    ),
]
PAIRS = [(BODIES[i], BODIES[j]) for i in range(len(BODIES)) for j in range(i + 1, len(BODIES))]


def advance(dt: float, steps: int) -> None:
    for _ in range(steps):
        for ((x1, y1, z1), v1, m1), ((x2, y2, z2), v2, m2) in PAIRS:
            dx, dy, dz = x1 - x2, y1 - y2, z1 - z2
            magnitude = dt * (dx * dx + dy * dy + dz * dz) ** -1.5
            b1, b2 = m1 * magnitude, m2 * magnitude
            v1[0] -= dx * b2
            v1[1] -= dy * b2
            v1[2] -= dz * b2
            v2[0] += dx * b1
            v2[1] += dy * b1
            v2[2] += dz * b1
        for r, (vx, vy, vz), _mass in BODIES:
            r[0] += dt * vx
            r[1] += dt * vy
            r[2] += dt * vz


start = time.perf_counter()
advance(0.01, 1000 * int(sys.argv[1]))
seconds = time.perf_counter() - start
print(f"checksum {BODIES[1][0][0]:.6e}")
print(f"seconds {seconds:.6f}")

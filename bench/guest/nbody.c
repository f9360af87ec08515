/* nbody.c - the planets' orbits by a symplectic integrator, SIZE thousand steps. */
#include <math.h>

#include "bench.h"

#define BODIES 5
#define PI     3.141592653589793
#define MASS   (4 * PI * PI)
#define YEAR   365.24

struct body {
    double at[3], v[3], mass;
};

static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, MASS},
    {{4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01},
     {1.66007664274403694e-03 * YEAR, 7.69901118419740425e-03 * YEAR,
      -6.90460016972063023e-05 * YEAR},
     9.54791938424326609e-04 * MASS},
    {{8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01},
     {-2.76742510726411750e-03 * YEAR, 4.99852801234917238e-03 * YEAR,
      2.30417297573763929e-05 * YEAR},
     2.85885980666130812e-04 * MASS},
    {{1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01},
     {2.96460137564761618e-03 * YEAR, 2.37847173959480950e-03 * YEAR,
      -2.96589568540237556e-05 * YEAR},
     4.36624404335156298e-05 * MASS},
    {{1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01},
     {2.68067772490389322e-03 * YEAR, 1.62824170038242295e-03 * YEAR,
      -9.51592254519715870e-05 * YEAR},
     5.15138902046611451e-05 * MASS},
};

static void advance(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = a->at[k] - b->at[k];
                square += d[k] * d[k];
            }
            double magnitude = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->v[k] -= d[k] * b->mass * magnitude;
                b->v[k] += d[k] * a->mass * magnitude;
            }
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].at[k] += dt * bodies[i].v[k];
}

static double energy(void)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        e += 0.5 * a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]);
        for (int j = i + 1; j < BODIES; j++) {
            double square = 0;
            for (int k = 0; k < 3; k++)
                square += (a->at[k] - bodies[j].at[k]) * (a->at[k] - bodies[j].at[k]);
            e -= a->mass * bodies[j].mass / sqrt(square);
        }
    }
    return e;
}

int main(int argc, char **argv)
{
    long steps = bench_size(argc, argv, 250) * 1000;
    double start = bench_now();
    for (long i = 0; i < steps; i++)
        advance(0.01);
    return bench_done_float(energy(), start);
}

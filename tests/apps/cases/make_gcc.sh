. /cases/lib.sh
mkdir /tmp/p && cd /tmp/p
cat >main.c <<'END'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
int square(int n);
static void *work(void *arg) { return (void *)(long)square((int)(long)arg); }
int main(int argc, char **argv)
{
    pthread_t threads[8];
    long sum = 0;
    for (long i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("%d %ld %.6f %s\n", argc, sum, sqrt(2.0), argc > 1 ? argv[1] : "");
    return 0;
}
END
echo 'int square(int n) { return n * n; }' >square.c
printf 'CFLAGS = -O2 -g -Wall -Werror\nprogram: main.o square.o libx.so\n\t$(CC) -o $@ main.o square.o -lm -lpthread\nlibx.so: square.c\n\t$(CC) -shared -fPIC -o $@ $<\nclean:\n\trm -f *.o program\n.PHONY: clean\n' >Makefile
make -j2
is "what gcc compiled runs" "2 140 1.414214 hello" "$(./program hello)"
is "make has nothing to do" "make: 'program' is up to date." "$(make)"
is "make does what is needed" "3" "$(touch square.c; sleep 1; touch square.c; make | grep -c 'square.[oc]')"
refused 1 "an error is an error" sh -c 'echo "int x = ;" >bad.c; gcc -c bad.c'
is "static" "1 140 1.414214 " "$(gcc -O2 -static -o s main.c square.c -lm && ./s)"
is "link-time optimisation" "1 140 1.414214 " "$(gcc -O2 -flto=2 -o l main.c square.c -lm && ./l)"
is "through a pipe" "5" "$(echo 'int main(void) { return 5; }' | gcc -pipe -x c - -o five; set +e; ./five; echo $?)"
is "the assembler and the linker" "ELF" "$(printf '.global _start\n_start: mov x0, 3\nmov x8, 93\nsvc 0\n' >a.s; as a.s -o a.o; ld a.o -o a; head -c 4 a | tail -c 3)"
refused 3 "and it runs" ./a
for i in $(seq 20); do echo "int f$i(int x) { return x + $i; }" >"f$i.c"; done
printf 'OBJECTS = $(patsubst %%.c,%%.o,$(wildcard f*.c))\nlib.a: $(OBJECTS)\n\tar rcs $@ $^\n' >Many.mk
is "20 files, 4 at a time" "20" "$(make -s -j4 -f Many.mk; ar t lib.a | wc -l)"
complete

/* guest-test: exit=128+11 */
/* The default action of a fault ends the process, though another signal is ignored and the fault's
 * is blocked. */
#include "guest.h"

int main(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGTERM, SIG_IGN);
    raise(SIGTERM);
    (void)done();
    fflush(stdout);
    volatile uintptr_t nowhere = 8;
    *(volatile int *)nowhere = 1;
    return 0;
}

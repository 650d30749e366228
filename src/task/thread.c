// Starting the threads of a runtime.
// SPDX-License-Identifier: Apache-2.0
#include "src/task/thread.h"

#include <errno.h>
#include <signal.h>

// All but those that say what the thread itself did wrong: blocked, they would end the process past
// any handler, and with that past the report of a sanitizer.
static void
signals_to_block(sigset_t *out)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};
    sigfillset(out);
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        sigdelset(out, faults[i]);
}

int
thread_start(pthread_t *out, const char *name, void *(*fn)(void *arg), void *arg)
{
    // A thread inherits the mask, so there is no moment in which it takes a signal.
    sigset_t blocked, old;
    signals_to_block(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    int error = pthread_create(out, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error != 0) {
        errno = error;
        return E_IO;
    }
    (void)pthread_setname_np(*out, name);
    return OK;
}

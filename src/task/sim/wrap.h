// The calls of libc that the linker brings here (--wrap), and the real ones behind them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

// Every name here stands in sim_wrapped of meson.build too.

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void __real_free(void *ptr);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
void *__wrap_reallocarray(void *ptr, size_t count, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *ptr);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);

void *__real_loop_run(void *loop);
void *__wrap_loop_run(void *loop);
struct loop *__real_loop_current(void);
struct loop *__wrap_loop_current(void);

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *arg);
int __real_pthread_join(pthread_t thread, void **out);
int __real_pthread_setname_np(pthread_t thread, const char *name);
int __real_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*fn)(void *),
                          void *arg);
int __wrap_pthread_join(pthread_t thread, void **out);
int __wrap_pthread_setname_np(pthread_t thread, const char *name);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);

int __real_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_destroy(pthread_mutex_t *m);
int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __real_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);

int __real_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attributes);
int __real_pthread_cond_destroy(pthread_cond_t *c);
int __real_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __real_pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                                  const struct timespec *until);
int __real_pthread_cond_signal(pthread_cond_t *c);
int __real_pthread_cond_broadcast(pthread_cond_t *c);
int __wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attributes);
int __wrap_pthread_cond_destroy(pthread_cond_t *c);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c);

int __real_sem_init(sem_t *s, int is_shared, unsigned value);
int __real_sem_destroy(sem_t *s);
int __real_sem_wait(sem_t *s);
int __real_sem_post(sem_t *s);
int __wrap_sem_init(sem_t *s, int is_shared, unsigned value);
int __wrap_sem_destroy(sem_t *s);
int __wrap_sem_wait(sem_t *s);
int __wrap_sem_post(sem_t *s);

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __real_nanosleep(const struct timespec *pause, struct timespec *left);
ssize_t __real_getrandom(void *out, size_t size, unsigned flags);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_nanosleep(const struct timespec *pause, struct timespec *left);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);

int __real_close(int fd);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __wrap_close(int fd);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __real_epoll_create1(int flags);
int __real_epoll_ctl(int poller, int what, int fd, struct epoll_event *event);
int __real_epoll_wait(int poller, struct epoll_event *out, int size, int wait_ms);
int __real_eventfd(unsigned value, int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int poller, int what, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int poller, struct epoll_event *out, int size, int wait_ms);
int __wrap_eventfd(unsigned value, int flags);

int __wrap_socket(int family, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_listen(int fd, int backlog);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *len);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t len);
int __wrap_shutdown(int fd, int how);
ssize_t __wrap_recv(int fd, void *out, size_t size, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

/* Faults of the machine, made in one process: LD_PRELOAD this, and name a control file in KDP_SHIM. Its fields take
 * effect at once, since it is mapped: a test writes an errno, and every write of the database fails by it, until the test
 * writes 0. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct control {
    int32_t write_errno;   /* of writes to the database and its log */
    int32_t sync_errno;    /* of waiting for the disk */
    int32_t open_errno;    /* of opening them for writing */
    int32_t unused;
    int64_t clock_seconds; /* what the host's clock is off by */
};

static volatile struct control *control;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("KDP_SHIM");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        control = map;
}

static int is_database(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, "/kdp.db") != NULL;
}

static int fails(int32_t code, int fd)
{
    if (!code || !is_database(fd))
        return 0;
    errno = code;
    return 1;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    return control && fails(control->write_errno, fd) ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
    return control && fails(control->write_errno, fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
    return pwrite64(fd, bytes, count, at);
}

int fsync(int fd)
{
    return control && fails(control->sync_errno, fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return control && fails(control->sync_errno, fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static int opened(const char *path, int flags, mode_t mode)
{
    if (control && control->open_errno && (flags & O_ACCMODE) != O_RDONLY && strstr(path, "/kdp.db")) {
        errno = control->open_errno;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return opened(path, flags | O_LARGEFILE, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && control && clock == CLOCK_REALTIME)
        time->tv_sec += control->clock_seconds;
    return result;
}

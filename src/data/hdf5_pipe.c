/* The socket between the two sides of data/hdf5. */
#include "data/hdf5_pipe.h"

#include <errno.h>
#include <sys/socket.h>

bool data_hdf5_send(int socket, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length) {
        ssize_t n = send(socket, at, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

bool data_hdf5_receive(int socket, void *bytes, size_t length) {
    char *at = bytes;
    while (length) {
        ssize_t n = recv(socket, at, length, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        at += n;
        length -= (size_t)n;
    }
    return true;
}

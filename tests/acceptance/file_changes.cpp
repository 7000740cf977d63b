#include "tests/acceptance/file_changes.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace runnerwatch {

FileChanges::FileChanges(const std::filesystem::path& folder)
    : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (events_ < 0 ||
        ::inotify_add_watch(events_, folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        throw std::system_error(errno, std::generic_category(), "inotify on " + folder.string());
}

FileChanges::~FileChanges() { ::close(events_); }

std::size_t FileChanges::wait(std::chrono::milliseconds at_most) {
    pollfd readable{events_, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(at_most.count())) <= 0) return 0;
    std::size_t writes = 0;
    alignas(inotify_event) std::array<char, 16 * 1024> bytes;
    for (ssize_t size; (size = ::read(events_, bytes.data(), bytes.size())) > 0;)
        for (std::size_t at = 0; at < static_cast<std::size_t>(size); ++writes) {
            inotify_event event;
            std::memcpy(&event, bytes.data() + at, sizeof event);
            at += sizeof event + event.len;
        }
    return writes;
}

}  // namespace runnerwatch

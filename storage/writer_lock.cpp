#include "storage/writer_lock.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace runnerwatch {

namespace {

// Not in linux/magic.h everywhere.
constexpr unsigned long smb2_magic = 0xFE534D42;
constexpr unsigned long cifs_magic = 0xFF534D42;
constexpr unsigned long ceph_magic = 0x00C36400;
constexpr unsigned long fuse_magic = 0x65735546;

// The name of a network file system, or nullptr.
const char* network_file_system(unsigned long magic) {
    switch (magic & 0xFFFFFFFF) {
        case NFS_SUPER_MAGIC:
            return "NFS";
        case SMB_SUPER_MAGIC:
        case smb2_magic:
        case cifs_magic:
            return "SMB";
        case ceph_magic:
            return "CephFS";
        case V9FS_MAGIC:
            return "9p";
        case fuse_magic:
            return "a FUSE file system";
        default:
            return nullptr;
    }
}

StoreError refused(StoreError::Kind kind, const std::string& why, const std::string& file,
                   const std::string& advice) {
    return {kind, "opening the database failed: " + why + ". Database: " + file + ". " + advice};
}

}  // namespace

std::optional<StoreError> refuse_network(unsigned long magic, const std::filesystem::path& file) {
    const char* kind = network_file_system(magic);
    if (!kind) return std::nullopt;
    return refused(StoreError::Kind::network_file_system,
                   std::string("its folder is on ") + kind +
                       ", where SQLite's locks and shared memory cannot be trusted",
                   file.string(), "Put it on a disk of this machine or a block volume.");
}

Result<std::unique_ptr<WriterLock>, StoreError> WriterLock::take(
    const std::filesystem::path& file) {
    const std::string name = file.string();
    const std::filesystem::path folder =
        file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        return failure(refused(StoreError::Kind::io,
                               "its folder " + folder.string() + " does not exist", name,
                               "Create the folder or correct storage.database."));
    if (std::filesystem::is_directory(file, error))
        return failure(refused(StoreError::Kind::io, "it is a folder", name,
                               "Name a file in storage.database."));
    struct statfs system {};
    if (::statfs(folder.c_str(), &system) == 0)
        if (auto network = refuse_network(static_cast<unsigned long>(system.f_type), file))
            return failure(*network);
    const int descriptor = ::open((name + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        const bool read_only = errno == EROFS || errno == EACCES || errno == EPERM;
        return failure(refused(
            errno == ENOSPC ? StoreError::Kind::full
            : read_only     ? StoreError::Kind::read_only
                            : StoreError::Kind::io,
            std::string("its lock file cannot be written (") + std::strerror(errno) + ")", name,
            "Make the folder writable for this user, or set storage.database to a writable "
            "place."));
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        char holder[32] = {};
        const ssize_t size = ::read(descriptor, holder, sizeof holder - 1);
        ::close(descriptor);
        std::string by = size > 0 ? "process " + std::string(holder) : "another process";
        while (!by.empty() && by.back() == '\n') by.pop_back();
        return failure(refused(StoreError::Kind::locked, "it is being written by " + by, name,
                               "One daemon writes one database: stop the other, or give this one "
                               "a file of its own."));
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    // Only for the sentence above; the lock holds without it.
    if (::ftruncate(descriptor, 0) == 0)
        static_cast<void>(!::write(descriptor, pid.data(), pid.size()));
    return std::unique_ptr<WriterLock>(new WriterLock(descriptor));
}

WriterLock::~WriterLock() { ::close(descriptor_); }

}  // namespace runnerwatch

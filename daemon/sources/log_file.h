#pragma once

#include "parsers/decompressor.h"
#include "parsers/result.h"
#include "parsers/timestamp.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Where reading of a file goes on, and what proves that it is still that file: behind `offset`
// bytes of its text (uncompressed).
struct FilePosition {
    static constexpr std::size_t guard_bytes_max = 1024;

    std::uint64_t device = 0, inode = 0;
    std::uint64_t offset = 0;
    std::uint64_t guard = 0;  // hash of up to guard_bytes_max bytes before the offset
    bool operator==(const FilePosition&) const = default;

    std::string blob() const;
    static std::optional<FilePosition> parse(std::string_view blob);
};

// An open file of text, plain (it may grow) or compressed: its bytes in order. Blocking.
class LogFile {
public:
    static constexpr std::size_t part_bytes = 64 * 1024;

    struct Refusal {
        int error = 0;     // an errno, or
        std::string what;  // "it is a directory"
    };
    static Result<std::unique_ptr<LogFile>, Refusal> open(const std::string& path);
    ~LogFile();
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    std::uint64_t device() const { return device_; }
    std::uint64_t inode() const { return inode_; }
    bool compressed() const { return decompressor_ != nullptr; }

    // Of the file itself; what has changed them may have changed the text.
    struct Stamp {
        std::uint64_t size = 0;
        std::int64_t modified = 0;  // ns
        bool operator==(const Stamp&) const = default;
    };
    Stamp stamp() const;

    // Of a plain file: up to `most` bytes at `offset`; and the next read is from `offset` on.
    std::string peek(std::uint64_t offset, std::size_t most) const;
    void seek(std::uint64_t offset);

    // The next bytes, at most `most`; none at the end, which for a plain file may move. The error
    // says why a compressed file cannot be read further.
    Result<std::string, std::string> read(std::size_t most = part_bytes);

    std::uint64_t read_to() const { return read_to_; }
    // The bytes before read_to(), up to FilePosition::guard_bytes_max.
    const std::string& tail() const { return tail_; }
    // Whether a plain file has these bytes at `offset`; and still has its tail.
    bool has(std::uint64_t offset, std::string_view bytes) const;
    bool tail_stands() const { return has(read_to_ - tail_.size(), tail_); }

private:
    LogFile(int descriptor, std::uint64_t device, std::uint64_t inode);
    Result<void, std::string> decompress();

    int descriptor_;
    std::uint64_t device_, inode_;
    std::uint64_t read_to_ = 0;
    std::string tail_;
    std::unique_ptr<Decompressor> decompressor_;
    std::uint64_t compressed_to_ = 0;
    std::string pending_;  // decompressed, not read yet
    std::size_t pending_from_ = 0;
    std::string failed_;  // why nothing more can be decompressed
};

// Files beside `path` that were it once, by their names ("app.log.1", "app.log-20261130.gz",
// "app-2026-11-30.log"), the oldest first. One that is just being compressed is named once.
std::vector<std::string> rotated_files(const std::string& path);

// When a file was written last; none where there is no such file.
std::optional<Timestamp> modified_at(const std::string& path);

}  // namespace runnerwatch

#include "daemon/sources/log_file.h"

#include "parsers/digest.h"
#include "parsers/little_endian.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

namespace runnerwatch {

namespace {

constexpr std::size_t binary_look_bytes = 4096;
constexpr std::array<std::string_view, 2> compressed_endings{".gz", ".zst"};

// Blob: version, then device, inode, offset, guard; 8 bytes each, least significant first.
constexpr char blob_version = 1;
constexpr std::size_t blob_bytes = 1 + 4 * sizeof(std::uint64_t);

std::string pread_some(int file, std::uint64_t offset, std::size_t most) {
    std::string bytes(most, '\0');
    std::size_t count = 0;
    while (count < most) {
        const ssize_t got =
            ::pread(file, bytes.data() + count, most - count, static_cast<off_t>(offset + count));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "read");
        if (got == 0) break;
        count += static_cast<std::size_t>(got);
    }
    bytes.resize(count);
    return bytes;
}

// Mostly NULs. A few NULs are what a log that was truncated under a writer has.
bool looks_binary(std::string_view bytes) {
    const auto zeros = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\0'));
    return bytes.starts_with(
               "\x7F"
               "ELF") ||
           zeros > bytes.size() / 8;
}

// What a rotation puts into a name: ".1", "-20261130", "-2026-11-30T10-00-00.000".
bool is_rotation_mark(std::string_view text) {
    return text.size() >= 2 && (text[0] == '.' || text[0] == '-') && text[1] >= '0' &&
           text[1] <= '9' && text.find_first_not_of("0123456789-_.:T") == std::string_view::npos;
}

// Of "app.log.12.gz", 12; 0 where the mark is no such number.
int rotation_number(std::string_view name, std::string_view base) {
    int number = 0;
    name.remove_prefix(std::min(name.size(), base.size() + 1));
    const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
    if (digits <= 4) std::from_chars(name.data(), name.data() + digits, number);
    return number;
}

bool is_rotated_name(std::string_view name, std::string_view base) {
    for (const auto ending : compressed_endings)
        if (name.ends_with(ending)) name.remove_suffix(ending.size());
    if (name.starts_with(base) && is_rotation_mark(name.substr(base.size()))) return true;
    const std::size_t dot = base.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    const std::string_view stem = base.substr(0, dot), ending = base.substr(dot);
    return name.size() > base.size() && name.starts_with(stem) && name.ends_with(ending) &&
           is_rotation_mark(name.substr(stem.size(), name.size() - base.size()));
}

}  // namespace

std::string FilePosition::blob() const {
    std::string blob{blob_version};
    for (const std::uint64_t value : {device, inode, offset, guard})
        append_little_endian(blob, value);
    return blob;
}

std::optional<FilePosition> FilePosition::parse(std::string_view blob) {
    if (blob.size() != blob_bytes || blob.front() != blob_version) return std::nullopt;
    blob.remove_prefix(1);
    FilePosition position;
    for (std::uint64_t* value :
         {&position.device, &position.inode, &position.offset, &position.guard})
        *value = take_little_endian<std::uint64_t>(blob);
    return position;
}

LogFile::LogFile(int descriptor, std::uint64_t device, std::uint64_t inode)
    : descriptor_(descriptor), device_(device), inode_(inode) {}

LogFile::~LogFile() { ::close(descriptor_); }

Result<std::unique_ptr<LogFile>, LogFile::Refusal> LogFile::open(const std::string& path) {
    // Without O_NONBLOCK a pipe would stop the loop here.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return failure(Refusal{errno, {}});
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        const int error = errno;
        ::close(descriptor);
        return failure(Refusal{error, {}});
    }
    std::unique_ptr<LogFile> file(new LogFile(descriptor, status.st_dev, status.st_ino));
    if (S_ISDIR(status.st_mode)) return failure(Refusal{0, "it is a directory"});
    if (!S_ISREG(status.st_mode)) return failure(Refusal{0, "it is not a regular file"});
    const std::string first = file->peek(0, binary_look_bytes);
    if (const auto compression = compression_of(first); compression != Compression::none)
        file->decompressor_ = std::make_unique<Decompressor>(compression);
    else if (looks_binary(first))
        return failure(Refusal{0, "it is binary"});
    return file;
}

LogFile::Stamp LogFile::stamp() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return {};
    return {static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

std::string LogFile::peek(std::uint64_t offset, std::size_t most) const {
    return pread_some(descriptor_, offset, most);
}

void LogFile::seek(std::uint64_t offset) {
    const auto length = std::min<std::uint64_t>(offset, FilePosition::guard_bytes_max);
    tail_ = peek(offset - length, length);
    read_to_ = offset;
}

bool LogFile::has(std::uint64_t offset, std::string_view bytes) const {
    return peek(offset, bytes.size()) == bytes;
}

Result<std::string, std::string> LogFile::read(std::size_t most) {
    std::string part;
    if (!decompressor_) {
        part = peek(read_to_, most);
    } else {
        if (pending_from_ == pending_.size())
            if (auto more = decompress(); !more) return failure(more.error());
        part = pending_.substr(pending_from_, most);
        pending_from_ += part.size();
    }
    read_to_ += part.size();
    tail_ += part;
    if (tail_.size() > FilePosition::guard_bytes_max)
        tail_.erase(0, tail_.size() - FilePosition::guard_bytes_max);
    return part;
}

// Reads on until there is text.
Result<void, std::string> LogFile::decompress() {
    pending_.clear();
    pending_from_ = 0;
    while (pending_.empty()) {
        if (!failed_.empty()) return failure(failed_);
        const std::string bytes = peek(compressed_to_, part_bytes / 8);
        compressed_to_ += bytes.size();
        auto done = bytes.empty() ? decompressor_->end()
                                  : decompressor_->feed(bytes, [this](std::string_view text) {
                                        pending_ += text;
                                        return true;
                                    });
        if (!done) failed_ = done.error().what;
        if (done && bytes.empty()) break;
    }
    return {};
}

std::optional<Timestamp> modified_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return Timestamp(std::chrono::seconds(status.st_mtim.tv_sec) +
                     std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

std::vector<std::string> rotated_files(const std::string& path) {
    const std::filesystem::path whole(path);
    const std::string base = whole.filename();
    const auto folder = whole.has_parent_path() ? whole.parent_path() : std::filesystem::path(".");
    std::set<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
        if (is_rotated_name(entry->path().filename().string(), base))
            names.insert(entry->path().filename());
    // A file system may give several the same time; then a higher number is older.
    std::vector<std::tuple<Timestamp, int, std::string>> found;
    for (const auto& name : names) {
        bool twice = false;
        for (const auto ending : compressed_endings)
            twice |= name.ends_with(ending) &&
                     names.contains(name.substr(0, name.size() - ending.size()));
        const std::string rotated = (folder / name).string();
        if (const auto at = modified_at(rotated); at && !twice)
            found.emplace_back(*at, -rotation_number(name, base), rotated);
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> paths;
    for (auto& [at, number, rotated] : found) paths.push_back(std::move(rotated));
    return paths;
}

}  // namespace runnerwatch

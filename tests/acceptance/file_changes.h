#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

namespace runnerwatch {

// The writes to the files of one folder, as they happen: what a test waits for instead of time.
// Events are kept by the kernel, so none between two calls is missed. One thread.
class FileChanges {
public:
    explicit FileChanges(const std::filesystem::path& folder);
    ~FileChanges();
    FileChanges(const FileChanges&) = delete;
    FileChanges& operator=(const FileChanges&) = delete;

    // Returns how many writes came since the last call, waiting for the first of them; 0 when none
    // came in time.
    std::size_t wait(std::chrono::milliseconds at_most);

private:
    int events_;
};

}  // namespace runnerwatch

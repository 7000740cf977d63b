#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace runnerwatch {

struct Outcome {
    int exit_code = -1;  // 128 and the signal, for one that was killed
    std::string out, err;
    std::int64_t peak_kib = 0;  // resident memory
};

// The built program in a folder of its own, which is where it runs.
class Program {
public:
    Program();
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    std::string file(const std::string& name) const { return (folder_ / name).string(); }

    // Permissions of files count for it, also where the tests are run by root.
    void without_privileges() { privileges_ = false; }
    // No file it writes can grow larger: a full disk.
    void with_files_of_at_most(std::uint64_t bytes) { file_bytes_max_ = bytes; }
    void with_environment(const char* name, const std::string& value) {
        environment_.emplace_back(name, value);
    }

    // Runs it to its end, with nothing on standard input.
    Outcome run(const std::vector<std::string>& arguments) const;

private:
    std::filesystem::path folder_;
    bool privileges_ = true;
    std::uint64_t file_bytes_max_ = 0;                              // 0: any
    std::vector<std::pair<std::string, std::string>> environment_;  // beside that of the tests
};

}  // namespace runnerwatch

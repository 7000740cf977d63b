#pragma once

#include "parsers/timestamp.h"

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

namespace runnerwatch {

// A file of a journal as systemd writes it: systemd-journal-remote makes it of entries in the
// export format.
class JournalFile {
public:
    explicit JournalFile(const std::string& path)
        : remote_(::popen(("/usr/lib/systemd/systemd-journal-remote --split-mode=none -o " + path +
                           " - >/dev/null 2>&1")
                              .c_str(),
                          "we")) {
        if (!remote_) throw std::runtime_error("no systemd-journal-remote");
    }
    ~JournalFile() { close(); }
    JournalFile(const JournalFile&) = delete;
    JournalFile& operator=(const JournalFile&) = delete;

    void write(Timestamp at, const std::string& message, const std::string& unit, int boot = 1) {
        const auto micros =
            std::chrono::floor<std::chrono::microseconds>(at.time_since_epoch()).count();
        std::string entry = "__REALTIME_TIMESTAMP=" + std::to_string(micros) +
                            "\n__MONOTONIC_TIMESTAMP=" + std::to_string(micros) +
                            "\n_BOOT_ID=0000000000000000000000000000000" + std::to_string(boot) +
                            "\n_SYSTEMD_UNIT=" + unit + "\nMESSAGE\n";
        for (std::size_t i = 0; i < 8; ++i)
            entry += static_cast<char>(message.size() >> (8 * i) & 0xFF);
        entry += message + "\n\n";
        std::fwrite(entry.data(), 1, entry.size(), remote_);
        std::fflush(remote_);
    }
    // Everything written is in the file.
    void close() {
        if (remote_) ::pclose(std::exchange(remote_, nullptr));
    }

private:
    FILE* remote_;
};

}  // namespace runnerwatch

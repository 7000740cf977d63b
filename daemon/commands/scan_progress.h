#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace runnerwatch {

// How far a scan of files has come, on one line of a terminal that is written over. Says nothing
// in the first second: most scans are over by then.
class ScanProgress {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds quiet{1};
    static constexpr std::chrono::milliseconds every{200};

    // `total`: bytes of all files together.
    ScanProgress(std::ostream& terminal, std::uint64_t total, Time now)
        : terminal_(terminal), total_(total), began_(now), told_(now) {}

    void read(std::uint64_t bytes, const std::string& file, Time now);

    // Takes the line away, before something else is written.
    void clear();

private:
    std::ostream& terminal_;
    std::uint64_t total_;
    std::uint64_t read_ = 0;
    Time began_, told_;
    bool shown_ = false;
};

}  // namespace runnerwatch

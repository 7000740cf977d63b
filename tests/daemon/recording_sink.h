#pragma once

#include "daemon/sources/log_source.h"

#include <algorithm>
#include <string>
#include <vector>

namespace runnerwatch {

// Keeps what a source hands over: the lines, and all calls in their order.
class RecordingSink : public LineSink {
public:
    void on_line(std::string_view text, std::optional<Timestamp> time, bool cut,
                 std::uint64_t) override {
        lines.emplace_back(text);
        times.push_back(time);
        calls.push_back("line " + std::string(text.substr(0, 40)) + (cut ? " (cut)" : ""));
    }
    void on_gap(const SourceGap& gap) override {
        gaps.push_back(gap);
        calls.push_back("gap " + gap.kind + " " + gap.certainty);
    }
    void on_opened() override { ++opened; }
    void on_caught_up() override { calls.push_back("caught up"); }
    void on_watermark(Timestamp watermark) override { watermarks.push_back(watermark); }
    void on_complete() override { calls.push_back("complete"); }

    bool has(const std::string& call) const {
        return std::find(calls.begin(), calls.end(), call) != calls.end();
    }

    std::vector<std::string> lines, calls;
    std::vector<std::optional<Timestamp>> times;
    std::vector<SourceGap> gaps;
    std::vector<Timestamp> watermarks;
    int opened = 0;
};

}  // namespace runnerwatch

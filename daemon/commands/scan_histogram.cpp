#include "daemon/commands/scan_histogram.h"

#include <algorithm>
#include <array>

namespace runnerwatch {
namespace {

constexpr std::size_t bar_max = 40;

// Spans that people count in, in seconds.
constexpr std::array<std::int64_t, 18> steps{1,     2,     5,     10,     30,      60,
                                             120,   300,   600,   1800,   3600,    7200,
                                             21600, 43200, 86400, 604800, 2592000, 31536000};

std::int64_t step_for(std::int64_t first, std::int64_t last) {
    for (const std::int64_t step : steps)
        if (last / step - first / step < static_cast<std::int64_t>(TimeHistogram::rows_max))
            return step;
    return (last - first) / static_cast<std::int64_t>(TimeHistogram::rows_max - 1) + 1;
}

std::string bar(std::uint64_t count, std::uint64_t most) {
    if (count == 0) return {};
    const std::uint64_t length = std::max<std::uint64_t>(count * bar_max / most, 1);
    std::string text;
    for (std::uint64_t i = 0; i < length; ++i) text += "█";
    return text;
}

}  // namespace

void TimeHistogram::add(std::optional<Timestamp> at) {
    if (!at) {
        ++unknown_;
        return;
    }
    const std::int64_t second =
        std::chrono::floor<std::chrono::seconds>(at->time_since_epoch()).count();
    ++buckets_[second / width_];
    while (buckets_.size() > buckets_max) {
        width_ *= 2;
        std::map<std::int64_t, std::uint64_t> wider;
        for (const auto& [start, count] : buckets_) wider[start / 2] += count;
        buckets_ = std::move(wider);
    }
}

std::string TimeHistogram::text(const TextStyle& style) const {
    std::string text;
    if (!buckets_.empty()) {
        const std::int64_t first = buckets_.begin()->first * width_;
        const std::int64_t last = buckets_.rbegin()->first * width_;
        const std::int64_t step = std::max(step_for(first, last), width_);
        std::map<std::int64_t, std::uint64_t> rows;
        for (std::int64_t at = first / step; at <= last / step; ++at) rows[at] = 0;
        std::uint64_t most = 1;
        for (const auto& [start, count] : buckets_)
            most = std::max(most, rows[start * width_ / step] += count);
        for (const auto& [start, count] : rows) {
            const Timestamp at{std::chrono::seconds{start * step}};
            std::string words = format_time_for_people(at) + "  ";
            if (count > 0) words += painted(bar(count, most), "33", style) + " ";
            text += row(text.empty() ? "when" : "", words + std::to_string(count), {false, 1'000});
        }
    }
    if (unknown_ > 0)
        text +=
            row(text.empty() ? "when" : "",
                "times unknown" + (buckets_.empty() ? "" : "  " + std::to_string(unknown_)), style);
    return text;
}

}  // namespace runnerwatch

#include "daemon/commands/scan_progress.h"

#include "parsers/visible_text.h"

#include <algorithm>
#include <ostream>

namespace runnerwatch {
namespace {

constexpr std::size_t name_bytes_max = 40;

std::string size_words(double bytes) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
    const auto tenths = static_cast<std::uint64_t>(bytes * 10 + 0.5);
    std::string text = std::to_string(tenths / 10);
    if (unit > 0 && tenths < 1000) text += "." + std::to_string(tenths % 10);
    return text + " " + units[unit];
}

}  // namespace

void ScanProgress::read(std::uint64_t bytes, const std::string& file, Time now) {
    read_ += bytes;
    if (now - began_ < quiet || now - told_ < every) return;
    told_ = now;
    shown_ = true;
    const double seconds = std::chrono::duration<double>(now - began_).count();
    // A file may grow while it is read.
    const std::uint64_t percent =
        total_ == 0 ? 0 : std::min<std::uint64_t>(read_ * 100 / total_, 100);
    terminal_ << "\r" << percent << " % of " << size_words(static_cast<double>(total_)) << ", "
              << size_words(static_cast<double>(read_) / seconds) << "/s, "
              << shortened(visible_text(file), name_bytes_max) << "\x1b[K" << std::flush;
}

void ScanProgress::clear() {
    if (shown_) terminal_ << "\r\x1b[K" << std::flush;
    shown_ = false;
}

}  // namespace runnerwatch

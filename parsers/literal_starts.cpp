#include "parsers/literal_starts.h"

#include "parsers/ordinary_log.h"

#include <algorithm>
#include <utility>

namespace runnerwatch {

LiteralStarts::LiteralStarts(std::vector<std::string> literals) : literals_(std::move(literals)) {
    for (const std::string& literal : literals_) {
        std::uint64_t start = 0;
        literal.copy(reinterpret_cast<char*>(&start), sizeof start);
        starts_.set(slot(start, short_bytes));
        if (literal.size() < long_bytes)
            short_.set(slot(start, short_bytes));
        else
            long_.set(slot(start, long_bytes));
    }
}

bool LiteralStarts::may_go_on_behind(std::string_view text) const {
    const auto same = [](char a, char b) {
        return folded(static_cast<unsigned char>(a)) == folded(static_cast<unsigned char>(b));
    };
    return std::any_of(literals_.begin(), literals_.end(), [&](const std::string& literal) {
        for (std::size_t size = std::min(text.size(), literal.size() - 1); size > bytes_before;
             --size)
            if (std::equal(text.end() - static_cast<std::ptrdiff_t>(size), text.end(),
                           literal.begin(), same))
                return true;
        return false;
    });
}

}  // namespace runnerwatch

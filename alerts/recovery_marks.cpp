#include "alerts/recovery_marks.h"

#include <algorithm>
#include <tuple>

namespace runnerwatch {

void RecoveryMarks::load(const RecoveryMarkRow& row) {
    marks_[row.pattern][row.values] = {row, false, true};
}

RecoveryMarkRow& RecoveryMarks::put(const std::string& instance, const std::string& pattern,
                                    const std::string& values) {
    const auto find = [&] { return marks_[pattern].try_emplace(values); };
    auto [mark, fresh] = find();
    if (fresh) {
        mark->second.row.instance = instance;
        mark->second.row.pattern = pattern;
        mark->second.row.values = values;
        mark->second.row.line = UINT64_MAX;  // not the oldest
        if (size() > marks_max) {
            forget_oldest();
            mark = find().first;
        }
    }
    if (!std::exchange(mark->second.changed, true)) changed_.emplace_back(pattern, values);
    return mark->second.row;
}

std::size_t RecoveryMarks::size() const {
    std::size_t size = 0;
    for (const auto& [unused, marks] : marks_) size += marks.size();
    return size;
}

// A quarter at once: to find them takes a look at each.
void RecoveryMarks::forget_oldest() {
    std::vector<std::uint64_t> lines;
    for (const auto& [unused, marks] : marks_)
        for (const auto& [also_unused, mark] : marks) lines.push_back(mark.row.line);
    const auto last = lines.begin() + static_cast<std::ptrdiff_t>(lines.size() / 4);
    std::nth_element(lines.begin(), last, lines.end());
    forget_if([&](const RecoveryMarkRow& row) { return row.line < *last; });
}

std::vector<const RecoveryMarkRow*> RecoveryMarks::sorted() const {
    std::vector<const RecoveryMarkRow*> rows;
    for (const auto& [unused, marks] : marks_)
        for (const auto& [also_unused, mark] : marks) rows.push_back(&mark.row);
    std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
        return std::tie(a->pattern, a->values) < std::tie(b->pattern, b->values);
    });
    return rows;
}

// What came and went between two commits was never there.
void RecoveryMarks::take_changes(const std::string& instance, ChangeSet& changes) {
    for (const auto& [pattern, values] : std::exchange(gone_, {}))
        changes.recovery_marks[{instance, pattern, values}] = std::nullopt;
    for (const auto& [pattern, values] : std::exchange(changed_, {})) {
        const auto marks = marks_.find(pattern);
        if (marks == marks_.end()) continue;
        const auto mark = marks->second.find(values);
        if (mark == marks->second.end()) continue;
        mark->second.changed = false;
        mark->second.stored = true;
        changes.recovery_marks[{instance, pattern, values}] = mark->second.row;
    }
}

}  // namespace runnerwatch

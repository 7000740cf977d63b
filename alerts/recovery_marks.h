#pragma once

#include "parsers/timestamp.h"
#include "storage/change_set.h"
#include "storage/rows.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace runnerwatch {

// The latest line of each kind of recovery, and of each value it is told apart by, that one source
// has shown. A healthy log writes such lines all the time: to put one down again is cheap.
//
// Bounded: beyond `marks_max` the quarter that is oldest is forgotten. Pure; one thread.
class RecoveryMarks {
public:
    static constexpr std::size_t marks_max = 256;

    // The mark of this kind and these values, which counts as changed. What else it holds is
    // written by the caller. Good until the next call.
    RecoveryMarkRow& put(const std::string& instance, const std::string& pattern,
                         const std::string& values);
    void load(const RecoveryMarkRow& row);

    // Calls `visit` with each mark of a kind.
    template <class Visit>
    void each_of(const std::string& pattern, const Visit& visit) const {
        if (const auto found = marks_.find(pattern); found != marks_.end())
            for (const auto& [unused, mark] : found->second) visit(mark.row);
    }
    // Forgets each mark of a kind for which `gone` is true.
    template <class Gone>
    void forget_if(const Gone& gone) {
        for (auto& [pattern, marks] : marks_)
            std::erase_if(marks, [&, &pattern = pattern](auto& entry) {
                if (!gone(std::as_const(entry.second.row))) return false;
                if (entry.second.stored) gone_.emplace_back(pattern, entry.first);
                return true;
            });
    }

    // By kind and values.
    std::vector<const RecoveryMarkRow*> sorted() const;

    // Lays what became different into `changes`, as rows of this instance.
    void take_changes(const std::string& instance, ChangeSet& changes);

private:
    struct Mark {
        RecoveryMarkRow row;
        bool changed = false;  // stands in changed_
        bool stored = false;   // was handed out as a row
    };
    std::size_t size() const;
    void forget_oldest();

    std::unordered_map<std::string, std::map<std::string, Mark>> marks_;  // by pattern and values
    std::vector<std::pair<std::string, std::string>> changed_, gone_;
};

}  // namespace runnerwatch

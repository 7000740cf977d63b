#pragma once

#include "storage/change_set.h"

#include <map>
#include <string>

namespace runnerwatch {

// The answers to requests that named themselves (Idempotency-Key), so that one that is sent again
// gets the same answer and nothing is done twice. Written with what the request changed, in one
// commit. Pure: no I/O, no clock. Bounded by the constants; the oldest go first.
class AnswerBook {
public:
    static constexpr std::chrono::hours kept{24};  // our clock
    static constexpr std::size_t answers_max = 10'000;
    static constexpr std::size_t key_bytes_max = 200;

    void load(const StoredState& stored);

    // Nothing where none is kept any more.
    const IdempotencyRow* find(const std::string& key, Timestamp now) const;
    void put(IdempotencyRow row);

    void forget_old(Timestamp now);
    void take_changes(ChangeSet& changes);

private:
    void forget(const std::string& key);

    std::map<std::string, IdempotencyRow> rows_;
    std::multimap<Timestamp, std::string> by_age_;
    ChangeSet changes_;
};

}  // namespace runnerwatch

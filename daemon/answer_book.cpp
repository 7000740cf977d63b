#include "daemon/answer_book.h"

#include <utility>

namespace runnerwatch {

void AnswerBook::load(const StoredState& stored) {
    for (const auto& row : stored.idempotency) {
        rows_[row.key] = row;
        by_age_.emplace(row.at, row.key);
    }
}

const IdempotencyRow* AnswerBook::find(const std::string& key, Timestamp now) const {
    const auto found = rows_.find(key);
    return found == rows_.end() || now - found->second.at > kept ? nullptr : &found->second;
}

void AnswerBook::put(IdempotencyRow row) {
    forget(row.key);
    while (rows_.size() >= answers_max) forget(std::string(by_age_.begin()->second));
    by_age_.emplace(row.at, row.key);
    changes_.idempotency[row.key] = row;
    const std::string key = row.key;
    rows_[key] = std::move(row);
}

void AnswerBook::forget(const std::string& key) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return;
    const auto [first, last] = by_age_.equal_range(found->second.at);
    for (auto aged = first; aged != last; ++aged)
        if (aged->second == key) {
            by_age_.erase(aged);
            break;
        }
    rows_.erase(found);
    changes_.idempotency[key] = std::nullopt;
}

void AnswerBook::forget_old(Timestamp now) {
    while (!by_age_.empty() && now - by_age_.begin()->first > kept)
        forget(std::string(by_age_.begin()->second));
}

void AnswerBook::take_changes(ChangeSet& changes) {
    changes.merge(std::exchange(changes_, ChangeSet{}));
}

}  // namespace runnerwatch

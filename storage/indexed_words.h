#pragma once

#include "storage/sqlite.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runnerwatch {

// The words of the lines' full-text index, in their order.
//
// SQLite tells them, too (fts5vocab), but goes through all places of a word to come behind it: 10
// ms where the word stands in ten million lines, for every search. This reads the index's own
// pages, whose format is fixed (SQLite 3.40 ext/fts5/fts5_index.c, format 4): `evidence_text_idx`
// names the page of each segment where a word is to be looked for, and where the next words begin
// behind the places of a long one. What damaged pages hold is left out. Words whose lines were all
// deleted may still be told. Only storage/ includes this.
class IndexedWords {
public:
    explicit IndexedWords(Connection& connection) : connection_(connection) {}

    // Whether the index has the format that this reads; a newer SQLite may choose another.
    bool readable() const;

    // The first word that is not before `word`, in the order of bytes.
    std::optional<std::string> not_before(std::string_view word) const;

private:
    std::optional<std::string> page(std::int64_t segment, std::int64_t number) const;
    std::optional<std::string> in_segment(std::int64_t segment, const std::string& entry) const;

    Connection& connection_;
};

// The first entry of a page that is not before `entry`; exported for tests of damaged pages.
std::optional<std::string> entry_of_page(std::string_view page, std::string_view entry);

}  // namespace runnerwatch

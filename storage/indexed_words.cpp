#include "storage/indexed_words.h"

namespace runnerwatch {

namespace {

constexpr std::int64_t known_format = 4;
constexpr char main_index = '0';           // before each word; indexes of prefixes have other marks
constexpr std::int64_t segment_bits = 37;  // of a page's id, its number has those below
constexpr std::size_t header_bytes = 4;

// Bytes that are read one after another, whatever they are.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : left_(bytes) {}

    bool empty() const { return left_.empty(); }
    // Seven bits of a byte, the highest first, until one byte has its eighth unset.
    std::optional<std::size_t> number() {
        std::size_t value = 0;
        for (int i = 0; i < 5 && !left_.empty(); ++i) {
            const auto byte = static_cast<unsigned char>(left_.front());
            left_.remove_prefix(1);
            value = value << 7 | (byte & 0x7f);
            if (byte < 0x80) return value;
        }
        return std::nullopt;
    }
    std::optional<std::string_view> text(std::size_t size) {
        if (size > left_.size()) return std::nullopt;
        const std::string_view taken = left_.substr(0, size);
        left_.remove_prefix(size);
        return taken;
    }

private:
    std::string_view left_;
};

std::size_t number_at(std::string_view page, std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(page[at])) << 8 |
           static_cast<unsigned char>(page[at + 1]);
}

// Puts the word that begins there behind what it shares with the word before it.
bool read_entry(std::string_view text, bool first, std::string& entry) {
    Bytes bytes(text);
    const auto shared = first ? std::optional<std::size_t>(0) : bytes.number();
    const auto size = bytes.number();
    if (!shared || !size || *shared > entry.size()) return false;
    const auto rest = bytes.text(*size);
    if (!rest) return false;
    entry.resize(*shared);
    entry += *rest;
    return true;
}

}  // namespace

std::optional<std::string> entry_of_page(std::string_view page, std::string_view entry) {
    if (page.size() < header_bytes) return std::nullopt;
    // Behind the words and their places stands where each word begins.
    const std::size_t end = number_at(page, 2);
    if (end < header_bytes || end > page.size()) return std::nullopt;
    Bytes begins(page.substr(end));
    std::string found;
    std::size_t at = 0;
    for (bool first = true; !begins.empty(); first = false) {
        const auto behind = begins.number();
        if (!behind || *behind == 0 || at + *behind >= end) return std::nullopt;
        at += *behind;
        if (!read_entry(page.substr(at, end - at), first, found)) return std::nullopt;
        if (found >= entry) return found;
    }
    return std::nullopt;
}

bool IndexedWords::readable() const {
    Statement& query =
        connection_.prepared("SELECT v FROM evidence_text_config WHERE k = 'version'");
    const StatementReset at_end(query);
    return query.step() && query.number(0) == known_format;
}

std::optional<std::string> IndexedWords::page(std::int64_t segment, std::int64_t number) const {
    Statement& query = connection_.prepared("SELECT block FROM evidence_text_data WHERE id = ?");
    query.bind(1, (segment << segment_bits) + number);
    const StatementReset at_end(query);
    return query.step() ? std::optional(query.text(0)) : std::nullopt;
}

// Where it is to be looked for, it may come late, or only on the next page that words begin on; and
// a merge that is under way has taken away the first pages of a segment.
std::optional<std::string> IndexedWords::in_segment(std::int64_t segment,
                                                    const std::string& entry) const {
    Statement& query = connection_.prepared(
        "SELECT pgno >> 1 FROM evidence_text_idx WHERE segid = ?1 AND term >= coalesce("
        "(SELECT max(term) FROM evidence_text_idx WHERE segid = ?1 AND term <= CAST(?2 AS BLOB)), "
        "x'') ORDER BY term");
    query.bind(1, segment);
    query.bind(2, std::string_view(entry));
    const StatementReset at_end(query);
    while (query.step()) {
        const auto bytes = page(segment, query.number(0));
        if (!bytes) continue;
        if (auto found = entry_of_page(*bytes, entry)) return found;
    }
    return std::nullopt;
}

std::optional<std::string> IndexedWords::not_before(std::string_view word) const {
    const std::string entry = main_index + std::string(word);
    std::optional<std::string> found;
    Statement& next = connection_.prepared(
        "SELECT segid FROM evidence_text_idx WHERE segid > ? ORDER BY segid LIMIT 1");
    std::int64_t segment = 0;
    for (;;) {
        {
            next.bind(1, segment);
            const StatementReset at_end(next);
            if (!next.step()) break;
            segment = next.number(0);
        }
        auto here = in_segment(segment, entry);
        if (here && (!found || *here < *found)) found = std::move(here);
    }
    if (!found || found->front() != main_index) return std::nullopt;
    return found->substr(1);
}

}  // namespace runnerwatch

#include "parsers/known_heads.h"

#include "parsers/byte_set.h"
#include "parsers/literal_starts.h"

#include <xxhash.h>
#include <algorithm>
#include <utility>

namespace runnerwatch {

const KnownHeads::Known* KnownHeads::of(std::string_view line, std::string_view head, bool judged) {
    const Known* alike = heads_.find({}, head);
    if (alike != nullptr && (alike->says || !judged)) return alike;
    look_at_line(line, look_);
    const bool plain = look_.text.data() == head.data() && look_.pod.empty() && look_.whole &&
                       !look_.shape.raw && look_.shape.complete;
    if (!plain) return nullptr;
    Known fresh{look_.shape, std::nullopt, {}, false};
    if (judged) judge(head, fresh);
    return heads_.keep({}, head, fresh);
}

void KnownHeads::judge(std::string_view head, Known& known) const {
    const LineShape& shape = known.shape;
    const RunnerStart start = runner_start(head);
    const Span reset = find_reset(head.substr(start.length), start.coloured);
    known.before_fields = shape.format == Format::runner && shape.foreign_prefix == 0 && reset &&
                          start.length + reset.end + 1 == head.size();
    Record record = decode_record(known.before_fields ? head : look_.text);
    known.says = matcher_.judge_message(record);
    known.head = {record.level, std::move(record.message)};
}

const KnownHeads::Known* KnownHeads::met_again(std::string_view line, std::string_view head) {
    if (head.size() > met_bytes_max) return nullptr;
    const Known* alike = heads_.find({}, head);
    if (alike == nullptr || !alike->says) {
        if (!met_.again(XXH3_64bits(head.data(), head.size()))) {
            count_unmet(line, head);
            return nullptr;
        }
        alike = of(line, head, true);
    }
    if (alike != nullptr) keep_beginning(head, *alike);
    return alike;
}

const KnownHeads::Known* KnownHeads::met_again(std::string_view line) {
    const char* const end = line.data() + line.size();
    const Beginning* alike = line.size() < Beginning::bytes_max ? nullptr : beginning(line.data());
    if (const char* at = alike ? behind_head(*alike, line.data(), end) : nullptr) {
        if (line.front() == '\x1b' || !holds_quotes({at, end})) return &known(*alike);
    }
    const auto head = runner_head(line);
    return head ? met_again(line, *head) : nullptr;
}

void KnownHeads::count_unmet(std::string_view line, std::string_view head) {
    if (head.size() < Beginning::bytes_min) return;
    if (unmet_.empty()) unmet_.resize(beginnings);
    std::uint8_t& unmet = unmet_[beginning_slot(head.data())];
    if (unmet == unmet_max || ++unmet < unmet_max) return;
    keep_before_word(line, head);
}

// The head of one of many lines: what differs may be the last word of the message.
void KnownHeads::keep_before_word(std::string_view line, std::string_view head) {
    const std::size_t reset = head.size() - runner_reset.size();
    const std::string_view message = head.substr(0, head.find_last_not_of(' ', reset - 1) + 1);
    const std::size_t word = message.rfind(' ') + 1;
    const std::string_view before = message.substr(0, word);
    const bool plain = std::all_of(before.begin(), before.end(), [](char c) {
        return c == '\x1b' || (c >= ' ' && c < '\x7f' && c != '\\' && c != '"');
    });
    if (!plain || word < Beginning::bytes_min || reset > Beginning::bytes_max) return;
    if (!matcher_.says_nothing_before_a_word(before)) return;
    const Known* known = of(line, head, true);
    if (known == nullptr || !known->silent()) return;
    if (Beginning* kept = keep_beginning(before, *known)) {
        kept->before_word = true;
        kept->reset = static_cast<std::uint8_t>(reset);
    }
}

const char* KnownHeads::behind_word(const Beginning& beginning, const char* message,
                                    const char* end) const {
    static constexpr ByteSet plain(
        "0123456789-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char* const word = message + beginning.size;
    const char* at = word;
    while (at < end && plain.has(*at)) ++at;
    if (at == word || matcher_.word_may_say({word - LiteralStarts::bytes_before, at}))
        return nullptr;
    while (at < message + beginning.reset && *at == ' ') ++at;
    const std::string_view rest(at, end);
    return at >= message + beginning.reset && rest.starts_with(runner_reset)
               ? at + runner_reset.size()
               : nullptr;
}

KnownHeads::Beginning* KnownHeads::keep_beginning(std::string_view text, const Known& known) {
    if (text.size() < Beginning::bytes_min || text.size() > Beginning::bytes_max) return nullptr;
    if (beginnings_.empty()) {
        beginnings_.resize(beginnings);
        known_.resize(beginnings);
        for (std::size_t i = 0; i < beginnings; ++i)
            beginnings_[i].number = static_cast<std::uint16_t>(i);
    }
    // Of a pair the one kept longer gives way.
    const std::size_t slot = beginning_slot(text.data());
    std::swap(beginnings_[slot], beginnings_[slot + 1]);
    Beginning& kept = beginnings_[slot];
    kept.size = static_cast<std::uint8_t>(text.size());
    text.copy(kept.head, text.size());
    kept.silent = known.silent();
    kept.before_word = false;
    known_[kept.number] = known;
    if (!unmet_.empty()) unmet_[slot] = 0;
    return &kept;
}

}  // namespace runnerwatch

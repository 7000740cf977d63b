#include "parsers/known_heads.h"

#include <xxhash.h>
#include <utility>

namespace runnerwatch {

const KnownHeads::Known* KnownHeads::of(std::string_view line, std::string_view head, bool judged) {
    const Known* alike = heads_.find({}, head);
    if (alike != nullptr && (alike->says || !judged)) return alike;
    look_at_line(line, look_);
    const bool plain = look_.text.data() == head.data() && look_.pod.empty() && look_.whole &&
                       !look_.shape.raw && look_.shape.complete;
    if (!plain) return nullptr;
    Known fresh{look_.shape, std::nullopt};
    if (judged) fresh.says = matcher_.judge_message(decode_record(look_.text));
    return heads_.keep({}, head, fresh);
}

const KnownHeads::Known* KnownHeads::met_again(std::string_view line, std::string_view head) {
    if (head.size() > met_bytes_max) return nullptr;
    const Known* alike = heads_.find({}, head);
    if (alike == nullptr || !alike->says) {
        if (met_.empty()) met_.resize(met_slots);
        const std::uint64_t hash = XXH3_64bits(head.data(), head.size());
        const auto mark = static_cast<std::uint32_t>(hash >> 32);
        if (std::exchange(met_[hash % met_slots], mark) != mark) return nullptr;
        alike = of(line, head, true);
    }
    if (alike != nullptr) keep_beginning(head, *alike);
    return alike;
}

void KnownHeads::keep_beginning(std::string_view head, const Known& known) {
    if (head.size() < Beginning::bytes_min || head.size() > Beginning::bytes_max) return;
    if (beginnings_.empty()) beginnings_.resize(beginnings);
    // Of a pair the one kept longer gives way.
    const std::size_t slot = beginning_slot(head.data());
    std::swap(beginnings_[slot], beginnings_[slot + 1]);
    Beginning& kept = beginnings_[slot];
    kept.size = static_cast<std::uint8_t>(head.size());
    head.copy(kept.head, head.size());
    kept.silent = known.silent();
    kept.known = known;
}

}  // namespace runnerwatch

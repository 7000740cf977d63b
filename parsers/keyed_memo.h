#pragma once

#include "parsers/met_before.h"

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Remembers what was found out about keys that are met again. Bounded: of two keys that meet in one
// slot the later one is kept. Takes memory from the first key on. One thread.
template <class Found>
class KeyedMemo {
public:
    static constexpr std::size_t slots = 4096;
    static constexpr std::size_t key_bytes_max = 512;

    // What is kept for this key, or a fresh one; `fresh` says which. Good until the next call.
    Found& at(std::string_view key, bool& fresh) {
        if (slots_.empty()) slots_.resize(slots);
        const std::uint64_t hash = XXH3_64bits(key.data(), key.size());
        fresh = true;
        // What was not met before is in no slot: the memory of it need not even be looked at.
        if (key.size() > key_bytes_max || !met_.again(hash)) return unkept_ = Found();
        Slot& slot = slots_[hash % slots];
        fresh = slot.hash != hash || slot.key != key;
        if (!fresh) return slot.found;
        slot.hash = hash;
        slot.key = key;
        return slot.found = Found();
    }

private:
    struct Slot {
        std::uint64_t hash = 0;
        std::string key;
        Found found;
    };
    std::vector<Slot> slots_;
    Found unkept_;
    MetBefore met_;
};

}  // namespace runnerwatch

// Compressed bytes: whatever they are, parts have their limit and an error has its place.
#include "parsers/decompressor.h"
#include "tests/fuzz/target.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    if (size == 0) return 0;
    std::string_view bytes = text_of(data, size).substr(1);
    const std::size_t whole = bytes.size(), chunk = 1 + data[0] % 61;
    std::size_t made = 0;
    PlainBytes plain;
    const Decompressor::OnPart on_part = [&](std::string_view part) {
        must(part.size() <= Decompressor::part_bytes_max, "a part has its limit");
        made += part.size();
        return made < 64 * 1024 * 1024;
    };
    Result<void, DecompressError> done;
    for (; done && !bytes.empty(); bytes.remove_prefix(std::min(chunk, bytes.size())))
        done = plain.feed(bytes.substr(0, chunk), on_part);
    if (done) done = plain.end(on_part);
    if (!done) {
        must(done.error().offset <= whole, "an error lies within the input");
        must(!done.error().what.empty() && !done.error().what_to_do.empty(), "an error says what");
    } else if (!plain.compressed()) {
        must(made == whole, "what is not compressed goes through");
    }
    return 0;
}

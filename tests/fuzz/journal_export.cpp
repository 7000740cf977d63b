// The journal's export format: the same entries whatever the chunks, and nothing beyond its limits.
#include "parsers/journal_export.h"
#include "tests/fuzz/target.h"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    std::vector<JournalRecord> whole, parts;
    JournalExport at_once, by_bytes;
    at_once.feed(text_of(data, size), [&](JournalRecord& record) { whole.push_back(record); });
    for (std::size_t i = 0; i < size; ++i)
        by_bytes.feed(text_of(data + i, 1),
                      [&](JournalRecord& record) { parts.push_back(record); });
    must(whole.size() == parts.size(), "chunks change nothing");
    for (std::size_t i = 0; i < whole.size(); ++i) {
        must(whole[i].message == parts[i].message && whole[i].cursor == parts[i].cursor &&
                 whole[i].time == parts[i].time,
             "an entry is the same whatever the chunks");
        must(whole[i].message.size() <= size, "a message is made of its input");
    }
    return 0;
}

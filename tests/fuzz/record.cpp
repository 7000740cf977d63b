// Decoding of a record's head: total, and free of escape sequences.
#include "parsers/record.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    const Record record = decode_record(text_of(data, size));
    must(record.message.find('\x1b') == std::string::npos, "a message holds no escape sequence");
    // Nothing is made up: JSON's \u escapes and invalid characters grow to at most three bytes.
    must(record.message.size() <= 3 * size, "a message is made of its line");
    for (const Field& field : record.fields) must(field.key.size() <= 3 * size, "a key likewise");
    return 0;
}

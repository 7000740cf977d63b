// Framer, unwrapper and record reader: bytes become lines, lines records. No line may be repeated
// or reordered, limits hold, and chunks must not matter.
#include "parsers/line_framer.h"
#include "parsers/line_unwrapper.h"
#include "parsers/record.h"
#include "parsers/record_reader.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <string>
#include <vector>

namespace runnerwatch {
namespace {

struct Collector : RecordReader::Handler {
    void on_head(const RecordHead& head) override {
        must(head.first_line >= last, "a head begins behind the line before it");
        must(head.last_line >= head.first_line, "a head ends behind its beginning");
        must(head.raw.size() <= RecordReader::record_bytes_max, "a head has its limit");
        must(!open, "a record ends before the next begins");
        last = head.last_line;
        open = true;
        said += std::to_string(head.first_line) + "-" + std::to_string(head.last_line) + " ";
        const Record record = decode_record(head.raw);
        said += std::string(to_string(record.format)) + " " + record.message + "\n";
    }
    void on_continuation(const SourceLine& line) override {
        must(open, "a continuation has a head");
        must(line.number >= last, "a continuation stands behind its head");
        last = line.last_number();
        said += "+" + std::to_string(line.number) + "\n";
    }
    void on_record_end() override {
        must(open, "only what is open ends");
        open = false;
    }

    std::uint64_t last = 0;
    bool open = false;
    std::string said;
};

std::string read_in_chunks(std::string_view bytes, std::size_t chunk) {
    LineFramer framer;
    LineUnwrapper unwrapper;
    RecordReader reader;
    Collector collector;
    std::uint64_t number = 0;
    const LineUnwrapper::OnLine on_unwrapped = [&](const UnwrappedLine& line) {
        must(line.first <= line.last && line.last <= number, "a line stands where it was read");
        must(line.line.text.size() <= 2 * LineFramer::line_bytes_max, "a line has its limit");
        reader.line({line.line.text, line.line.time, line.first, line.cut, line.last}, collector);
    };
    const auto on_line = [&](const FramedLine& line) {
        must(line.text.size() <= LineFramer::line_bytes_max, "a line has its limit");
        unwrapper.line(line, ++number, on_unwrapped);
    };
    while (!bytes.empty()) {
        framer.feed(bytes.substr(0, chunk), on_line);
        bytes.remove_prefix(std::min(chunk, bytes.size()));
    }
    if (framer.rest().bytes > 0) on_line(framer.rest());
    unwrapper.end(on_unwrapped);
    reader.end(collector);
    must(!collector.open, "the end ends every record");
    must(reader.held_lines() == 0, "the end keeps nothing back");
    return collector.said;
}

}  // namespace
}  // namespace runnerwatch

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    if (size == 0) return 0;
    const std::string_view bytes = text_of(data, size).substr(1);
    const std::size_t chunk = 1 + data[0] % 61;
    must(read_in_chunks(bytes, chunk) == read_in_chunks(bytes, bytes.size() + 1),
         "chunks do not matter");
    return 0;
}

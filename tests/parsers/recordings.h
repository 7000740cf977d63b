#pragma once

#include "parsers/line_framer.h"
#include "parsers/line_unwrapper.h"
#include "parsers/record.h"
#include "parsers/record_reader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace runnerwatch {

inline std::string read_recording(const std::string& name) {
    std::ifstream file(std::string(SOURCE_DIR "/tests/recordings/") + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Names of all recordings, sorted.
inline std::vector<std::string> recording_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/tests/recordings"))
        if (entry.path().extension() == ".log") names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

inline std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    LineFramer framer;
    framer.feed(text, [&](const FramedLine& line) { lines.emplace_back(line.text); });
    if (framer.rest().bytes > 0) lines.emplace_back(framer.rest().text);
    return lines;
}

// What a RecordReader said, kept.
struct ReadRecord {
    std::string raw;
    std::uint64_t first_line = 0, last_line = 0;
    bool cut = false;
    std::vector<std::string> continuation;
    bool ended = false;

    Record decoded() const { return decode_record(raw); }
    bool operator==(const ReadRecord&) const = default;
};

class RecordCollector : public RecordReader::Handler {
public:
    void on_head(const RecordHead& head) override {
        records.push_back(
            {std::string(head.raw), head.first_line, head.last_line, head.cut, {}, {}});
    }
    void on_continuation(const SourceLine& line) override {
        records.back().continuation.emplace_back(line.text);
    }
    void on_record_end() override { records.back().ended = true; }

    std::vector<ReadRecord> records;
};

inline std::vector<ReadRecord> records_of(std::string_view text) {
    RecordReader reader;
    RecordCollector collector;
    std::uint64_t number = 0;
    for (const std::string& line : lines_of(text))
        reader.line({line, {}, ++number, false}, collector);
    reader.end(collector);
    return collector.records;
}

// The way of bytes to records, as every reader goes it, whatever collectors did to them.
inline std::vector<ReadRecord> records_of_input(std::string_view bytes,
                                                std::size_t chunk = std::string_view::npos) {
    RecordReader reader;
    RecordCollector collector;
    LineFramer framer;
    LineUnwrapper unwrapper;
    std::uint64_t number = 0;
    const LineUnwrapper::OnLine on_line = [&](const UnwrappedLine& line) {
        reader.line({line.line.text, line.line.time, line.first, line.cut, line.last}, collector);
    };
    const auto on_framed = [&](const FramedLine& line) { unwrapper.line(line, ++number, on_line); };
    for (; !bytes.empty(); bytes.remove_prefix(std::min(chunk, bytes.size())))
        framer.feed(bytes.substr(0, chunk), on_framed);
    if (framer.rest().bytes > 0) on_framed(framer.rest());
    unwrapper.end(on_line);
    reader.end(collector);
    return collector.records;
}

}  // namespace runnerwatch

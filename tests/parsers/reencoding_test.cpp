#include "tests/parsers/reencoding.h"

#include "parsers/matcher.h"
#include "parsers/packed_rules.h"
#include "parsers/rule_loader.h"
#include "tests/parsers/recordings.h"

#include <gmock/gmock.h>

#include <set>

namespace runnerwatch {
namespace {

const Matcher& matcher() {
    static const Matcher built_in(built_in_pack());
    return built_in;
}

// What a detection must not lose on its way.
struct Found {
    std::string rule, message;
    Values captures;
    std::map<std::string, std::string> fields;
    bool operator==(const Found&) const = default;
};

void PrintTo(const Found& found, std::ostream* out) {
    *out << found.rule << ": " << found.message;
    for (const auto& [key, value] : found.fields) *out << " " << key << "=" << value;
    for (const auto& [key, value] : found.captures) *out << " (" << key << "=" << value << ")";
}

std::optional<Found> found_in(const Record& record) {
    const Match match = matcher().match(record);
    if (match.detections.empty()) return std::nullopt;
    Found found{
        match.detections.front().rule->id, record.message, match.detections.front().captures, {}};
    for (const Field& field : record.fields) found.fields[field.key] = field.value;
    return found;
}

std::vector<Found> all_found(const std::string& bytes, std::size_t chunk = 64 * 1024) {
    std::vector<Found> all;
    for (const ReadRecord& read : records_of_input(bytes, chunk))
        if (auto found = found_in(read.decoded())) all.push_back(*std::move(found));
    return all;
}

struct Log {
    std::string name, bytes;
};

// Every sample of every rule, and every recording.
const std::vector<Log>& logs() {
    static const std::vector<Log> all = [] {
        std::vector<Log> found;
        for (const Rule& rule : matcher().pack().rules)
            for (const auto* samples : {&rule.sample_detect, &rule.sample_ignore})
                for (const Sample& sample : *samples)
                    found.push_back({rule.id + ":" + std::to_string(sample.line), sample.text});
        for (const std::string& name : recording_names())
            found.push_back({name, read_recording(name)});
        return found;
    }();
    return all;
}

// Records that the runner's logger did not write look the same in all of its formats: they have
// no other encoding. Klog's, Go's runtime's, and what is printed without a logger.
bool has_other_encodings(const Record& record) {
    return record.format == Format::runner || record.format == Format::text ||
           record.format == Format::json;
}

// What one format cannot say, with the reason.
const char* cannot_say(const std::string& encoding, const Record& record) {
    if (encoding != "runner") return nullptr;
    for (const Field& field : record.fields) {
        if (field.value.find('\n') != std::string::npos)
            return "a value of several lines: what stands behind its first is continuation";
        if (field.key.find_first_of(" =") != std::string::npos) return "not a key of the runner";
    }
    return nullptr;
}

TEST(Reencoding, KeepsEveryDetectionInEveryFormatOfTheRunner) {
    std::size_t compared = 0, without = 0;
    std::set<std::string> seen;
    for (const Log& log : logs())
        for (const ReadRecord& read : records_of_input(log.bytes)) {
            const Record record = read.decoded();
            const auto before = found_in(record);
            if (!has_other_encodings(record) || !seen.insert(as_json(record)).second) continue;
            for (const Encoding& encoding : encodings()) {
                if (cannot_say(encoding.name, record) != nullptr) {
                    ++without;
                    continue;
                }
                const std::string text = encoding.write(record);
                const auto again = records_of_input(text + "\n");
                ASSERT_EQ(again.size(), 1u) << log.name << " as " << encoding.name << ":\n" << text;
                const Record same = again.front().decoded();
                EXPECT_EQ(same.level == Level::none ? Level::info : same.level,
                          record.level == Level::none ? Level::info : record.level)
                    << text;
                EXPECT_EQ(found_in(same), before) << log.name << " as " << encoding.name;
                ++compared;
            }
        }
    EXPECT_GT(compared, 3000u);
    EXPECT_LT(without, compared / 50) << "exceptions are few";
}

TEST(Reencoding, KeepsEveryDetectionWhateverCollectorsDoToTheLines) {
    for (const Log& log : logs()) {
        const std::vector<Found> before = all_found(log.bytes);
        const std::vector<std::string> lines = lines_of(log.bytes);
        for (const Collector& collector : collectors()) {
            if (*collector.loses != '\0') continue;
            const std::string bytes = collector.write(lines);
            EXPECT_EQ(all_found(bytes), before) << log.name << " through " << collector.name;
        }
    }
}

// Where a collector destroys what separates fields, the kind of trouble at least is still found.
TEST(Reencoding, KeepsTheKindOfTroubleWhereCollectorsDestroySomething) {
    const auto rules = [](const std::vector<Found>& all) {
        std::set<std::string> ids;
        for (const Found& found : all) ids.insert(found.rule);
        return ids;
    };
    std::size_t lost = 0, kept = 0;
    for (const Log& log : logs()) {
        const auto before = rules(all_found(log.bytes));
        for (const Collector& collector : collectors())
            if (*collector.loses != '\0')
                (rules(all_found(collector.write(lines_of(log.bytes)))) == before ? kept : lost)++;
    }
    EXPECT_GT(kept, 200u);
    EXPECT_LE(lost, kept / 50);
}

TEST(Reencoding, DoesNotDependOnChunks) {
    for (const char* name : {"seed-403-readonly.runner.log", "boot-verify-fails.runner.log",
                             "stop-sigquit-then-sigterm.json.log"}) {
        const std::string bytes = read_recording(name);
        for (const Collector& collector : collectors()) {
            const std::string text = collector.write(lines_of(bytes));
            const std::vector<Found> whole = all_found(text);
            for (const std::size_t chunk : {1u, 7u, 61u, 4096u})
                EXPECT_EQ(all_found(text, chunk), whole) << name << " through " << collector.name;
        }
    }
}

}  // namespace
}  // namespace runnerwatch

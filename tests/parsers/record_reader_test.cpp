#include "parsers/record_reader.h"

#include <gmock/gmock.h>

#include <utility>

#include "tests/parsers/recordings.h"

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const Timestamp noon{std::chrono::seconds{1'800'000'000}};

const std::string forbidden =
    "\x1b[31;1mERROR: Checking for jobs... forbidden \x1b[0;m  \x1b[31;1mrunner\x1b[0;m=x";
const std::string loaded =
    "Configuration loaded                              \x1b[0;m  builds\x1b[0;m=0";
const std::string half = "\x1b[0;33mWARNING: CONFIGURATION: Long polling issues detected.";

// Lines in, what the reader said out: "head 1-3", "more 4", "end".
class Script : public RecordReader::Handler {
public:
    void on_head(const RecordHead& head) override {
        said.push_back("head " + std::to_string(head.first_line) + "-" +
                       std::to_string(head.last_line) + (head.cut ? " cut" : ""));
    }
    void on_continuation(const SourceLine& line) override {
        said.push_back("more " + std::to_string(line.number));
    }
    void on_record_end() override { said.push_back("end"); }

    Script& line(std::string_view text, std::optional<Timestamp> time = {}, bool cut = false) {
        reader.line({text, time, ++number, cut}, *this);
        return *this;
    }
    std::vector<std::string> take() { return std::exchange(said, {}); }

    RecordReader reader;
    std::vector<std::string> said;
    std::uint64_t number = 0;
};

TEST(RecordReader, HandsOverAHeadWhenItsResetIsThere) {
    Script script;
    script.line(half);
    EXPECT_EQ(script.reader.held_lines(), 1u);
    script.line("Issues found:");
    EXPECT_THAT(script.take(), ElementsAre());
    script.line("See documentation\x1b[0;m  \x1b[0;33mbuilds\x1b[0;m=0");
    EXPECT_THAT(script.take(), ElementsAre("head 1-3"));
    EXPECT_EQ(script.reader.held_lines(), 0u);
    script.line(loaded);
    EXPECT_THAT(script.take(), ElementsAre("end", "head 4-4", "end"));
}

TEST(RecordReader, LetsRawLinesExtendOnlyAWarningOrWorse) {
    EXPECT_THAT(
        Script().line(forbidden).line("raw").line("").line(loaded).line("raw").take(),
        ElementsAre("head 1-1", "more 2", "more 3", "end", "head 4-4", "end", "head 5-5", "end"));
    // text and JSON escape their newlines: what follows them is something else
    EXPECT_THAT(Script().line(R"({"level":"error","msg":"x"})").line("raw").take(),
                ElementsAre("head 1-1", "end", "head 2-2", "end"));
}

TEST(RecordReader, EndsAHeldHeadAtAnythingThatBeginsARecord) {
    for (const std::string& next :
         {forbidden, std::string(R"({"level":"error","msg":"x"})"),
          std::string("time=\"2026-08-22T10:00:03Z\" level=info msg=x"),
          std::string("I1123 20:32:07.024098      35 a.go:1] x"), std::string("ERROR: bare")}) {
        SCOPED_TRACE(next);
        Script script;
        script.line(half).line("Issues found:").line(next);
        EXPECT_THAT(script.take(), testing::Contains("head 3-3"));
    }
}

TEST(RecordReader, KeepsAPanicOfGoTogether) {
    Script script;
    script.line(forbidden).line("panic: runtime error: x").line("").line("goroutine 1 [running]:");
    script.line("main.main()").line("\t/x.go:1 +0x1").line("goroutine 2 [select]:").line(loaded);
    EXPECT_THAT(script.take(), ElementsAre("head 1-1", "end", "head 2-2", "more 3", "more 4",
                                           "more 5", "more 6", "more 7", "end", "head 8-8", "end"));
    EXPECT_THAT(Script().line("goroutine 1 [running]:").line("main.main()").take(),
                ElementsAre("head 1-1", "more 2"));
}

TEST(RecordReader, WaitsForALongMessageThatLostItsColours) {
    Script script;
    script.line("WARNING: Couldn't save new system ID on state file. In order")
        .line("please ensure");
    script.line("  state_file=/etc/x system_id=r_1").line("Configuration loaded    builds=0");
    EXPECT_THAT(script.take(), ElementsAre("head 1-3", "end", "head 4-4", "end"));
    // any other warning is complete, however it ends
    EXPECT_THAT(Script().line("WARNING: Use sudo").line("Created  system_id=r_1").take(),
                ElementsAre("head 1-1", "end", "head 2-2", "end"));
    EXPECT_THAT(Script().line("WARNING: Use sudo").line("raw").take(),
                ElementsAre("head 1-1", "more 2"));
    // with colour codes such a line is part of a value: it could be a job that pretends
    EXPECT_THAT(Script().line(forbidden).line("Created  system_id=r_1").take(),
                ElementsAre("head 1-1", "more 2"));
}

TEST(RecordReader, JoinsAnObjectThatWasPrintedOverSeveralLines) {
    Script script;
    script.line("{").line("  \"level\": \"error\",").line("  \"x\": {").line("  },");
    EXPECT_EQ(script.reader.held_lines(), 4u);
    script.line("  \"msg\": \"y\"").line("}").line("{").line("  \"msg\": \"z\"").line(loaded);
    EXPECT_THAT(script.take(),
                ElementsAre("head 1-6", "end", "head 7-8", "end", "head 9-9", "end"));
    // Behind an error it is a server's answer, quoted.
    EXPECT_THAT(Script().line(forbidden).line("{").line("  \"error\": 1").line("}").take(),
                ElementsAre("head 1-1", "more 2", "more 3", "more 4"));
}

TEST(RecordReader, KeepsWhatTheEntrypointPrintsOutOfTheErrorBeforeIt) {
    EXPECT_THAT(Script().line(forbidden).line("Registration attempt 2 of 30").line("raw").take(),
                ElementsAre("head 1-1", "end", "head 2-2", "end", "head 3-3", "end"));
}

TEST(RecordReader, EndsARecordAtOneBehindAnUnknownPrefix) {
    EXPECT_THAT(Script().line(forbidden).line("app: " + forbidden).line("raw").take(),
                ElementsAre("head 1-1", "end", "head 2-2", "more 3"));
}

TEST(RecordReader, NamesAllPhysicalLinesOfALineThatWasJoined) {
    Script script;
    script.reader.line({forbidden, {}, 4, false, 6}, script);
    script.reader.line({half, {}, 7, false, 9}, script);
    script.reader.end(script);
    EXPECT_THAT(script.take(), ElementsAre("head 4-6", "end", "head 7-9", "end"));
}

TEST(RecordReader, EndsRecordsByTheTimesOfTheLines) {
    const Timestamp late = noon + RecordReader::gap_max + 1ns;
    EXPECT_THAT(Script().line(half, noon).line("late", late).take(),
                ElementsAre("head 1-1", "end", "head 2-2", "end"));
    EXPECT_THAT(Script().line(half, noon).line("in time", noon + 500ms).take(), ElementsAre());
    EXPECT_THAT(Script().line(forbidden, noon).line("late", late).take(),
                ElementsAre("head 1-1", "end", "head 2-2", "end"));
    EXPECT_THAT(
        Script().line(forbidden, noon).line("a", noon + 400ms).line("b", noon + 800ms).take(),
        ElementsAre("head 1-1", "more 2", "more 3"));
    EXPECT_THAT(Script().line(forbidden, noon).line("no time").take(),
                ElementsAre("head 1-1", "more 2"));
}

TEST(RecordReader, EndsWhatIsOlderThanTheWatermark) {
    Script script;
    script.line(half, noon);
    script.reader.quiet(noon + 500ms, script);
    EXPECT_THAT(script.take(), ElementsAre());
    script.reader.quiet(noon + 501ms, script);
    EXPECT_THAT(script.take(), ElementsAre("head 1-1", "end"));
    script.line("raw").reader.end(script);
    EXPECT_THAT(script.take(), ElementsAre("head 2-2", "end"));
}

TEST(RecordReader, HandsOverWhatIsHeldAtTheEnd) {
    Script script;
    script.line(half).line("Issues found:");
    script.reader.end(script);
    EXPECT_THAT(script.take(), ElementsAre("head 1-2", "end"));
    script.reader.end(script);
    EXPECT_THAT(script.take(), ElementsAre());
}

TEST(RecordReader, SwallowsWhatIsPastTheLimitsOfARecord) {
    const std::size_t max = RecordReader::record_lines_max;
    Script script;
    script.line("\x1b[37;1mlistenaddress: \"\"");
    for (std::size_t i = 1; i < max + 100; ++i) script.line("key: value");
    EXPECT_THAT(script.take(), ElementsAre("head 1-512 cut"));
    script.line(loaded);
    EXPECT_THAT(script.take(), ElementsAre("end", "head 613-613", "end"));

    script.line(forbidden);
    for (std::size_t i = 0; i < 2 * max; ++i) script.line("goroutine text");
    EXPECT_EQ(script.take().size(), max);  // the head and what fits behind it
}

TEST(RecordReader, BoundsAHeadByItsBytes) {
    Script script;
    script.line(half);
    const std::string line(60'000, 'x');
    for (int i = 0; i < 5; ++i) script.line(line);
    EXPECT_THAT(script.take(), ElementsAre("head 1-6 cut"));
    script.line(forbidden.substr(0, 20), {}, true);  // its reset was cut off
    EXPECT_THAT(script.take(), ElementsAre("end", "head 7-7 cut"));
}

TEST(Recordings, OfAllKindsAreCutIntoTheRecordsThatAreThere) {
    struct Case {
        const char* name;
        std::size_t records;
        std::uint64_t first, last;  // lines of one record that is worth a look
        std::size_t continuation;
    };
    const Case cases[] = {
        {"seed-403-readonly.runner.log", 16, 11, 19, 0},
        {"config-schema.runner.log", 10, 5, 8, 0},
        {"boot-verify-fails.runner.log", 19, 12, 12, 8},
        {"k8s-no-section.runner.log", 19, 14, 47, 0},
        {"seed-403-readonly.runner-debug.log", 60, 21, 284, 0},
    };
    for (const auto& [name, count, first, last, continuation] : cases) {
        SCOPED_TRACE(name);
        const std::vector<ReadRecord> records = records_of(read_recording(name));
        EXPECT_EQ(records.size(), count);
        const auto found =
            std::find_if(records.begin(), records.end(),
                         [first = first](auto& record) { return record.first_line == first; });
        ASSERT_NE(found, records.end());
        EXPECT_EQ(found->last_line, last);
        EXPECT_EQ(found->continuation.size(), continuation);
    }
}

TEST(Recordings, LoseAndRepeatNoLine) {
    for (const std::string& name : recording_names()) {
        const std::string text = read_recording(name);
        std::vector<std::string> seen;
        for (const ReadRecord& record : records_of(text)) {
            for (const std::string& line : lines_of(record.raw + "\n")) seen.push_back(line);
            seen.insert(seen.end(), record.continuation.begin(), record.continuation.end());
            EXPECT_TRUE(record.ended) << name;
        }
        EXPECT_EQ(seen, lines_of(text)) << name;
    }
}

// Reads `lines` from a stored position after every line: a new reader gets the open record and
// the lines of a head that was not complete.
std::vector<ReadRecord> read_with_restarts(const std::vector<std::string>& lines) {
    RecordCollector collector;
    std::size_t position = 0;
    std::optional<OpenRecord> open;
    for (std::size_t end = 1; end <= lines.size(); ++end) {
        RecordReader reader;
        if (open) reader.resume(*open);
        for (std::size_t i = position; i < end; ++i)
            reader.line({lines[i], {}, i + 1, false}, collector);
        open = reader.open_record();
        position = end - reader.held_lines();
        if (end == lines.size()) reader.end(collector);
    }
    return collector.records;
}

TEST(Recordings, GiveTheSameRecordsWhereverReadingIsInterrupted) {
    for (const std::string& name : recording_names()) {
        SCOPED_TRACE(name);
        const std::string text = read_recording(name);
        EXPECT_EQ(read_with_restarts(lines_of(text)), records_of(text));
    }
}

}  // namespace
}  // namespace runnerwatch

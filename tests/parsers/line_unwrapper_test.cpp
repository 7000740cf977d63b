#include "parsers/line_unwrapper.h"

#include "parsers/literal_filter.h"

#include <gmock/gmock.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;

// What came out: "first-last pod/container: text".
std::vector<std::string> unwrapped(const std::string& input) {
    std::vector<std::string> lines;
    LineFramer framer;
    LineUnwrapper unwrapper;
    std::uint64_t number = 0;
    const LineUnwrapper::OnLine on_line = [&](const UnwrappedLine& line) {
        lines.push_back(std::to_string(line.first) + "-" + std::to_string(line.last) + " " +
                        std::string(line.line.pod) + "/" + std::string(line.line.container) + ": " +
                        std::string(line.line.text) + (line.cut ? " cut" : ""));
        if (line.line.time) lines.back() += " at " + format_time(*line.line.time);
    };
    framer.feed(input, [&](const FramedLine& line) { unwrapper.line(line, ++number, on_line); });
    if (framer.rest().bytes > 0) unwrapper.line(framer.rest(), ++number, on_line);
    unwrapper.end(on_line);
    return lines;
}

const std::string noon = " at 2026-11-24T12:00:00.000000000Z";

TEST(LineUnwrapper, ReadsDockersJsonAndJoinsWhatItSplit) {
    EXPECT_THAT(
        unwrapped(R"({"log":"one \u001b[0;m\n","stream":"stderr","time":"2026-11-24T12:00:00Z"})"
                  "\n"
                  R"({"log":"two a","stream":"stderr","time":"2026-11-24T12:00:00Z"})"
                  "\n"
                  R"({"log":" two b\r\n","stream":"stderr","time":"2026-11-24T12:00:01Z"})"
                  "\n"
                  R"({"log":"no end","stream":"stdout","time":"2026-11-24T12:00:00Z","attrs":{}})"),
        ElementsAre("1-1 /: one \x1b[0;m" + noon, "2-3 /: two a two b" + noon,
                    "4-4 /: no end" + noon));
    // fluent-bit takes the newline off and says whose line it is
    EXPECT_THAT(unwrapped(R"({"log":"x","stream":"stderr","kubernetes":{"pod_name":"p-0",)"
                          R"("container_name":"c"},"time":"2026-11-24T12:00:00Z"})"
                          "\nplain"),
                ElementsAre("1-1 p-0/c: x" + noon, "2-2 /: plain"));
}

TEST(LineUnwrapper, KeepsWhatIsLeftOfAnObjectThatWasCut) {
    EXPECT_THAT(unwrapped(R"({"log":"ERROR: Checking for jobs... forbi)"),
                ElementsAre("1-1 /: ERROR: Checking for jobs... forbi cut"));
}

TEST(LineUnwrapper, LeavesTheRunnersOwnJsonAlone) {
    for (const std::string line :
         {R"({"level":"error","log":"x","msg":"y","time":"2026-11-24T12:00:00Z"})",
          R"({"line":"x","level":"error","msg":"y"})", R"({"MESSAGE":"x"})", R"({"log":7})", "{",
          R"({"a":{"log":"x"}})"})
        EXPECT_THAT(unwrapped(line), ElementsAre("1-1 /: " + line));
}

TEST(LineUnwrapper, JoinsTheRecordsOfACriFile) {
    const std::string time = "2026-11-24T12:00:00Z";
    EXPECT_THAT(
        unwrapped(time + " stderr F one\n" + time + " stderr P two\n" + time + " stderr P  and\n" +
                  time + " stderr F  more\n" + time + " stderr P half"),
        ElementsAre("1-1 /: one" + noon, "2-4 /: two and more" + noon, "5-5 /: half" + noon));
}

TEST(LineUnwrapper, BoundsALineThatHasNoEnd) {
    std::string input;
    const std::string part(9'000, 'x');
    for (int i = 0; i < 10; ++i) input += "2026-11-24T12:00:00Z stderr P " + part + "\n";
    const auto lines = unwrapped(input);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_LT(lines.front().size(), LineFramer::line_bytes_max + 100);
    EXPECT_THAT(lines.front(), testing::HasSubstr(" cut"));
}

TEST(LineUnwrapper, ReadsTheJournalsExportWithItsBinaryParts) {
    const std::string head = "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795521600000000\n_HOSTNAME=h\n";
    const auto binary = [](const std::string& name, const std::string& bytes) {
        std::string field = name + "\n" + std::string(8, '\0') + bytes + "\n";
        field[name.size() + 1] = static_cast<char>(bytes.size());
        return field;
    };
    // a length of 10 is a newline, one of 13 a carriage return
    EXPECT_THAT(
        unwrapped(head + "MESSAGE=plain\n_PID=1\n\n" + head + binary("MESSAGE", "\x1b[0;m 4567") +
                  "\n" + head + "_PID=1\n" + binary("MESSAGE", "two\nline") + "\n" + head +
                  binary("OTHER", "a\nMESSAGE=b\r") + "MESSAGE=last\n"),
        ElementsAre("4-4 /: plain" + noon, "11-12 /: \x1b[0;m 4567" + noon, "19-19 /: two" + noon,
                    "20-20 /: line" + noon, "28-28 /: last" + noon));
    EXPECT_THAT(unwrapped(head + binary("MESSAGE", "three\nline") + "\n"),
                ElementsAre("5-6 /: three" + noon, "7-7 /: line" + noon));
}

TEST(LineUnwrapper, LosesNoMoreThanOneFieldToABrokenJournal) {
    const std::string head = "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795521600000000\n";
    const std::string absurd(8, '\x7f');
    EXPECT_THAT(unwrapped(head + "MESSAGE\n" + absurd + "x\n\n" + head + "MESSAGE=next\n\n"),
                testing::Contains("8-8 /: next" + noon));
}

TEST(LineUnwrapper, ReadsTheJournalsJson) {
    EXPECT_THAT(
        unwrapped(R"({"__REALTIME_TIMESTAMP":"1795521600000000","MESSAGE":"a\nb"})"
                  "\n"
                  R"({"MESSAGE":[27,91,48,59,109,120],"__REALTIME_TIMESTAMP":"1795521600000000"})"
                  "\n"
                  R"({"labels":{"pod":"p","container":"c"},"line":"x",)"
                  R"("timestamp":"2026-11-24T12:00:00Z"})"),
        ElementsAre("1-1 /: a" + noon, "1-1 /: b" + noon, "2-2 /: \x1b[0;mx" + noon,
                    "3-3 p/c: x" + noon));
}

TEST(LineUnwrapper, TakesAByteOrderMarkOffTheFirstLineOnly) {
    EXPECT_THAT(unwrapped("\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo"),
                ElementsAre("1-1 /: one", "2-2 /: \xEF\xBB\xBFtwo"));
}

TEST(LineUnwrapper, KnowsWhichLinesHideTheirText) {
    for (const char* line :
         {"__CURSOR=s=1", R"({"log":"part","stream":"stderr","time":"t"})",
          R"({"log":"a \\n","stream":"stderr","time":"t"})", R"({"log":"cut \n)", R"({"log": 1})",
          R"({"MESSAGE":[27,91],"__REALTIME_TIMESTAMP":"1"})",
          R"({"MESSAGE":"x","__REALTIME_TIMESTAMP":"1","CONTAINER_PARTIAL_MESSAGE":"true"})",
          "2026-11-24T12:00:00Z stderr P half"}) {
        EXPECT_TRUE(LineUnwrapper::hides_text(split_prefix(line))) << line;
        const std::vector<std::string> literals(std::begin(LineUnwrapper::hiding_literals),
                                                std::end(LineUnwrapper::hiding_literals));
        EXPECT_TRUE(LiteralFilter(literals).any(line)) << line;
    }
    for (const char* line :
         {"text", R"({"level":"info","msg":"x"})", "2026-11-24T12:00:00Z stderr F whole",
          "[pod/a/b] text", R"({"log":"say \"x\"\n","stream":"stderr","time":"t"})",
          R"({"MESSAGE":"x","__REALTIME_TIMESTAMP":"1"})",
          R"({"labels":{"pod":"p"},"line":"x","timestamp":"2026-11-24T12:00:00Z"})"})
        EXPECT_FALSE(LineUnwrapper::hides_text(split_prefix(line))) << line;
}

}  // namespace
}  // namespace runnerwatch

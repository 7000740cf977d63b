#include "parsers/journal_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<JournalRecord> records(std::string_view bytes, std::size_t chunk = std::string::npos) {
    std::vector<JournalRecord> found;
    JournalExport entries;
    while (!bytes.empty()) {
        entries.feed(bytes.substr(0, chunk),
                     [&](const JournalRecord& record) { found.push_back(record); });
        bytes.remove_prefix(std::min(chunk, bytes.size()));
    }
    return found;
}

std::string binary(const std::string& name, const std::string& value) {
    std::string text = name + "\n";
    for (std::size_t i = 0; i < 8; ++i) text += static_cast<char>(value.size() >> (8 * i) & 0xFF);
    return text + value + "\n";
}

const std::string two_entries =
    "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1790000000000001\n__MONOTONIC_TIMESTAMP=5\n"
    "MESSAGE=a = b\n_PID=1\n\n"
    "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1790000000000002\n" +
    binary("MESSAGE", std::string("two\nlines\n\0=", 12)) +
    binary("COREDUMP", "\n\nMESSAGE=no\n\n") + "\n";

TEST(JournalExport, GivesCursorTimeAndMessageWhateverTheChunks) {
    for (std::size_t chunk = 1; chunk <= two_entries.size(); ++chunk) {
        SCOPED_TRACE(chunk);
        const auto found = records(two_entries, chunk);
        ASSERT_THAT(found, SizeIs(2));
        EXPECT_EQ(found[0].cursor, "s=1;i=1");
        EXPECT_EQ(found[0].message, "a = b");
        EXPECT_EQ(found[0].time, Timestamp(std::chrono::microseconds(1'790'000'000'000'001)));
        EXPECT_EQ(found[1].cursor, "s=1;i=2");
        EXPECT_EQ(found[1].message, std::string("two\nlines\n\0=", 12));
        EXPECT_FALSE(found[1].cut);
    }
}

TEST(JournalExport, GivesNoEntryBeforeItsEnd) {
    EXPECT_THAT(records(two_entries.substr(0, two_entries.size() - 1)), SizeIs(1));
    EXPECT_THAT(records("\n\n\n"), IsEmpty());
}

TEST(JournalExport, KeepsTheBeginningOfALongMessage) {
    const std::string longest(JournalExport::message_bytes_max, 'x');
    const std::string after = "__CURSOR=s=1;i=2\nMESSAGE=short\n\n";
    for (const bool as_bytes : {false, true}) {
        SCOPED_TRACE(as_bytes);
        const auto entry = [&](const std::string& message) {
            return "__CURSOR=c\n" +
                   (as_bytes ? binary("MESSAGE", message) : "MESSAGE=" + message + "\n") + "\n" +
                   after;
        };
        auto found = records(entry(longest), 1000);
        ASSERT_THAT(found, SizeIs(2));
        EXPECT_EQ(found[0].message, longest);
        EXPECT_FALSE(found[0].cut);
        found = records(entry(longest + "y"), 1000);
        ASSERT_THAT(found, SizeIs(2));
        EXPECT_EQ(found[0].message, longest);
        EXPECT_TRUE(found[0].cut);
        EXPECT_EQ(found[1].message, "short");
        EXPECT_FALSE(found[1].cut);
    }
}

TEST(JournalExport, TakesNoHalfCursorAndNoTimeThatIsNone) {
    const auto found = records("__CURSOR=" + std::string(2'000, 'c') +
                               "\n__REALTIME_TIMESTAMP=soon\nMESSAGE=m\n\n");
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].cursor, "");
    EXPECT_FALSE(found[0].time);
    EXPECT_EQ(found[0].message, "m");
}

}  // namespace
}  // namespace runnerwatch

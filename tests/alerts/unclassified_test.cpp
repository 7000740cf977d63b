#include "alerts/unclassified.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const Timestamp noon = Timestamp(12h) + std::chrono::days(20'000);

Record record(const std::string& line) { return decode_record(line); }

TEST(Unclassified, GroupsRecordsThatDifferInNumbersAndIds) {
    UnclassifiedBook book;
    const std::string lines[] = {
        "level=error msg=\"Volume 17 of job 4211 is stuck\"", "ERROR: Volume 9 of job 12 is stuck",
        "{\"level\":\"error\",\"msg\":\"Volume 170 of job 1 is stuck\",\"job\":1}"};
    for (const std::string& line : lines)
        book.observe(record(line), line, "ci/runner", noon, noon + 1h);
    ASSERT_EQ(book.templates().size(), 1u);
    const TemplateRow& row = book.templates().begin()->second;
    EXPECT_EQ(row.count, 3);
    EXPECT_EQ(row.level, "error");
    EXPECT_EQ(row.example, lines[0]);
    EXPECT_EQ(row.id, template_id(row.text));
}

TEST(Unclassified, KeepsOtherMessagesLevelsAndErrorsApart) {
    UnclassifiedBook book;
    for (const std::string line :
         {"level=error msg=\"Volume is stuck\"", "level=warning msg=\"Volume is stuck\"",
          "level=error msg=\"Volume is lost\"",
          "level=error msg=\"Volume is lost\" error=\"no disk\"",
          "level=error msg=\"Volume is lost\" error=\"no quota\""})
        book.observe(record(line), line, "", noon, noon);
    EXPECT_EQ(book.templates().size(), 5u);
}

TEST(Unclassified, KnowsTheFirstAndTheLastTimeInWhateverOrderTheyCome) {
    UnclassifiedBook book;
    const std::string line = "ERROR: stuck";
    book.observe(record(line), line, "", noon + 5min, noon);
    book.observe(record(line), line, "", noon, noon);
    const TemplateRow* row = book.observe(record(line), line, "", std::nullopt, noon);
    EXPECT_EQ(row->first_seen, noon);
    EXPECT_EQ(row->last_seen, noon + 5min);
    EXPECT_EQ(row->count, 3);
}

TEST(Unclassified, KeepsNoSecret) {
    UnclassifiedBook book;
    const std::string line = "ERROR: stuck with glpat-AbCdEfGhIjKlMnOpQrSt";
    const TemplateRow* row = book.observe(record(line), line, "", noon, noon);
    EXPECT_THAT(row->example, Not(HasSubstr("AbCdEf")));
    EXPECT_THAT(row->text, Not(HasSubstr("AbCdEf")));
}

TEST(Unclassified, CountsWhatIsPastItsLimit) {
    UnclassifiedBook book;
    std::string word = "a";
    for (std::size_t i = 0; i < UnclassifiedBook::templates_max + 3; ++i) {
        const std::string line = "ERROR: " + word;
        book.observe(record(line), line, "", noon, noon);
        for (std::size_t at = 0;; ++at) {  // the next word: letters only, since numbers are masked
            if (at == word.size()) word += 'a' - 1;
            if (++word[at] <= 'z') break;
            word[at] = 'a';
        }
    }
    EXPECT_EQ(book.templates().size(), UnclassifiedBook::templates_max);
    EXPECT_EQ(book.beyond(), 3u);
}

TEST(Unclassified, GoesOnFromItsRows) {
    UnclassifiedBook book;
    const std::string line = "ERROR: stuck";
    const std::string id = book.observe(record(line), line, "a", noon, noon)->id;
    ChangeSet changes = book.take_changes();
    EXPECT_TRUE(book.take_changes().empty());
    StoredState stored;
    for (const auto& [unused, row] : changes.templates) stored.templates.push_back(*row);
    UnclassifiedBook next;
    next.load(stored);
    EXPECT_EQ(*next.find(id), *book.find(id));
    next.observe(record(line), line, "b", noon + 1s, noon);
    EXPECT_EQ(next.find(id)->count, 2);
    EXPECT_EQ(next.take_changes().templates.at(id)->source, "b");
}

TEST(Unclassified, SeesInRawBytesWhatWarnsInEveryFormat) {
    for (const char* const line :
         {"WARNING: x", "\x1b[31;1mERROR: x  \x1b[0;m",
          "time=\"2026-11-24T10:00:00Z\" level=fatal msg=x", "{\"level\":\"error\",\"msg\":\"x\"}",
          "{\"msg\":\"x\", \"level\": \"warning\"}",
          "E1123 20:32:07.024098      35 reflector.go:1261] x"}) {
        EXPECT_TRUE(UnclassifiedBook::may_concern(line)) << line;
        EXPECT_TRUE(UnclassifiedBook::concerns(record(line))) << line;
    }
    EXPECT_FALSE(UnclassifiedBook::may_concern("time=\"x\" level=info msg=\"level is low\""));
}

TEST(Unclassified, ConcernsOnlyWhatWarns) {
    EXPECT_TRUE(UnclassifiedBook::concerns(record("WARNING: x")));
    EXPECT_TRUE(UnclassifiedBook::concerns(record("level=fatal msg=x")));
    EXPECT_FALSE(UnclassifiedBook::concerns(record("level=info msg=x")));
    EXPECT_FALSE(UnclassifiedBook::concerns(record("some output")));
}

}  // namespace
}  // namespace runnerwatch

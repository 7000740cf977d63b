#include "storage/indexed_words.h"

#include "storage/store.h"
#include "tests/storage/kept_history.h"
#include "tests/storage/sample_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace runnerwatch {
namespace {

// Lines of words of which some stand in all, some in many and most in one, written in commits of
// all sizes, so that the index is merged again and again.
class IndexedWordsTest : public testing::Test {
protected:
    IndexedWordsTest() : writer_(open_with_history(folder_.file(), 0)) {
        // Small pages, so that places of words soon fill several.
        Connection(folder_.file(), OpenMode::read_write)
            .execute("INSERT INTO evidence_text(evidence_text, rank) VALUES ('pgsz', 64)");
        reader_ = std::make_unique<Connection>(folder_.file(), OpenMode::read_only);
    }

    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

    std::string word() {
        switch (pick(6)) {
            case 0:
                return "always";
            case 1:
                return "b" + std::to_string(pick(10));
            case 2:
                return std::string(static_cast<std::size_t>(1 + pick(3)), 'm');
            case 3:
                return "mostly" + std::string(pick(2) == 0 ? "" : "s");
            case 4:
                return std::string(static_cast<std::size_t>(30 + pick(300)), 'z');
            default:
                return std::to_string(random_());
        }
    }
    void write(int lines) {
        ChangeSet set;
        for (int i = 0; i < lines; ++i) {
            EvidenceRow row;
            row.incident = history_key(written_++);
            row.text = "always mostly";
            for (int n = pick(20); n > 0; --n) row.text += " " + word();
            set.evidence[{row.incident, 0}] = row;
        }
        ASSERT_TRUE(writer_->commit(set));
    }
    std::set<std::string> as_sqlite_tells() {
        reader_->execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.word USING "
            "fts5vocab(main, evidence_text, row)");
        std::set<std::string> words;
        Statement query(*reader_, "SELECT term FROM temp.word");
        while (query.step()) words.insert(query.text(0));
        return words;
    }

    std::mt19937 random_{11};
    TestFolder folder_;
    std::unique_ptr<Store> writer_;
    std::unique_ptr<Connection> reader_;
    int written_ = 0;
};

TEST_F(IndexedWordsTest, AreNoneInAnEmptyIndex) {
    const IndexedWords words(*reader_);
    EXPECT_TRUE(words.readable());
    EXPECT_EQ(words.not_before(""), std::nullopt);
}

TEST_F(IndexedWordsTest, AreThoseThatSqliteTells) {
    for (int commit = 0; commit < 60; ++commit) {
        write(pick(4) == 0 ? 1 + pick(60) : 1 + pick(3));
        if (commit % 3 > 0) continue;
        SCOPED_TRACE(commit);
        const IndexedWords words(*reader_);
        const std::set<std::string> expected = as_sqlite_tells();
        std::set<std::string> found;
        for (auto next = words.not_before(""); next; next = words.not_before(*next + '\0'))
            found.insert(*next);
        ASSERT_EQ(found, expected);
        for (int i = 0; i < 50; ++i) {
            const std::string from = word();
            const auto at = expected.lower_bound(from);
            ASSERT_EQ(words.not_before(from),
                      at == expected.end() ? std::nullopt : std::optional(*at))
                << from;
        }
    }
    EXPECT_GT(reader_->number("SELECT count(*) FROM evidence_text_idx WHERE pgno & 1"), 0)
        << "words whose places fill pages";
    EXPECT_GT(reader_->number("SELECT count(DISTINCT segid) FROM evidence_text_idx"), 1);
}

TEST_F(IndexedWordsTest, StayReadableWhileAMergeIsUnderWay) {
    for (int i = 0; i < 12; ++i) write(40);
    const std::set<std::string> expected = as_sqlite_tells();
    Connection other(folder_.file(), OpenMode::read_write);
    std::int64_t trimmed = 0;
    for (int i = 0; i < 40; ++i) {  // some pages of the index at a time
        other.execute("INSERT INTO evidence_text(evidence_text, rank) VALUES ('merge', -3)");
        trimmed += other.number(
            "SELECT count(*) FROM evidence_text_idx WHERE NOT EXISTS (SELECT 1 FROM "
            "evidence_text_data WHERE id = (segid << 37) + (pgno >> 1))");
        const IndexedWords words(*reader_);
        std::set<std::string> found;
        for (auto next = words.not_before(""); next; next = words.not_before(*next + '\0'))
            found.insert(*next);
        ASSERT_EQ(found, expected) << i;
    }
    EXPECT_GT(trimmed, 0) << "pages that are named and gone";
}

TEST(PagesOfIndexedWords, MayBeDamaged) {
    // A page of two words, as SQLite writes it: "0ab" and "0abc".
    const std::string places("\x01\x02\x02", 3);
    std::string page("\0\0\0\0", 4);
    page += std::string("\x03") + "0ab" + places;
    const std::size_t second = page.size();
    page += std::string("\x03\x01") + "c" + places;
    page[3] = static_cast<char>(page.size());
    page += std::string("\x04") + static_cast<char>(second - 4);
    EXPECT_EQ(entry_of_page(page, "0"), "0ab");
    EXPECT_EQ(entry_of_page(page, "0abb"), "0abc");
    EXPECT_EQ(entry_of_page(page, "0b"), std::nullopt);
    for (std::size_t size = 0; size < page.size(); ++size)
        entry_of_page(std::string(page.begin(), page.begin() + static_cast<std::ptrdiff_t>(size)),
                      "0abb");
    std::mt19937 random{3};
    for (int i = 0; i < 20'000; ++i) {
        std::string damaged = page;
        for (int n = 0; n < 3; ++n)
            damaged[random() % damaged.size()] = static_cast<char>(random());
        entry_of_page(damaged, "0abb");  // under the address sanitizer
    }
}

}  // namespace
}  // namespace runnerwatch

#include "daemon/answer_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

const Timestamp noon = Timestamp(12h) + std::chrono::days(20'000);

IdempotencyRow answer(const std::string& key, Timestamp at) {
    return {key, "hash of " + key, 200, "{}", at};
}

TEST(AnswerBook, KeepsAnAnswerForADayAndThenForgetsItOnDiskToo) {
    AnswerBook book;
    book.put(answer("a", noon));
    ChangeSet written;
    book.take_changes(written);
    StoredState stored;
    stored.idempotency.push_back(*written.idempotency.at("a"));
    AnswerBook loaded;
    loaded.load(stored);
    loaded.forget_old(noon + 24h);
    ASSERT_NE(loaded.find("a", noon + 24h), nullptr);
    EXPECT_EQ(loaded.find("a", noon + 24h)->request, "hash of a");
    EXPECT_EQ(loaded.find("a", noon + 24h + 1s), nullptr) << "too old, though not forgotten yet";
    loaded.forget_old(noon + 24h + 1s);
    ChangeSet forgotten;
    loaded.take_changes(forgotten);
    EXPECT_EQ(forgotten.idempotency.at("a"), std::nullopt);
}

TEST(AnswerBook, HoldsSoManyAndTheOldestGo) {
    AnswerBook book;
    for (std::size_t i = 0; i <= AnswerBook::answers_max; ++i)
        book.put(answer(std::to_string(i), noon + std::chrono::seconds(i % 100)));
    EXPECT_EQ(book.find("0", noon), nullptr);
    EXPECT_NE(book.find("100", noon), nullptr);
    ChangeSet changes;
    book.take_changes(changes);
    EXPECT_EQ(changes.idempotency.at("0"), std::nullopt);
    EXPECT_EQ(changes.idempotency.size(), AnswerBook::answers_max + 1);
}

}  // namespace
}  // namespace runnerwatch

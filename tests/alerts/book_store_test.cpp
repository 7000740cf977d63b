// The rule that everything leans on: whatever has been committed, a book loaded from the file is
// the book that wrote it, so a kill at any moment costs nothing but reading again.
#include "storage/store.h"
#include "tests/alerts/book_fixture.h"
#include "tests/alerts/random_act.h"
#include "tests/storage/sample_rows.h"

#include <random>

namespace runnerwatch {
namespace {

class BookStoreTest : public BookTest {
protected:
    BookStoreTest() { open(); }

    void open() {
        store.reset();
        auto opened = Store::open(folder.file());
        ASSERT_TRUE(opened) << opened.error().what;
        store = std::move(*opened);
    }

    // As the daemon commits: rows, then the numbers they were given.
    void commit() {
        const auto result = store->commit(book->take_changes());
        ASSERT_TRUE(result) << result.error().what;
        book->set_numbers(result->numbers);
    }

    // The book as a daemon that starts now would have it.
    std::unique_ptr<IncidentBook> loaded() {
        const auto stored = store->load(now - 48h);
        EXPECT_TRUE(stored) << stored.error().what;
        auto fresh = std::make_unique<IncidentBook>(pack, "db");
        fresh->load(*stored);
        return fresh;
    }

    void expect_the_same(const IncidentBook& other) const {
        ASSERT_EQ(other.snapshot(), book->snapshot());
        const auto mine = book->incidents(), others = other.incidents();
        ASSERT_EQ(mine.size(), others.size());
        for (std::size_t i = 0; i < mine.size(); ++i) {
            ASSERT_EQ(*mine[i], *others[i]);
            const auto members = book->members(mine[i]->key);
            const auto other_members = other.members(mine[i]->key);
            ASSERT_EQ(members.size(), other_members.size());
            for (std::size_t k = 0; k < members.size(); ++k)
                ASSERT_EQ(*members[k], *other_members[k]);
        }
        ASSERT_EQ(other.next_tick(), book->next_tick());
    }

    // Something that can happen to a book, at `at` of the log.
    void happen(std::mt19937& random, Timestamp at) {
        const auto any = [&](unsigned n) { return static_cast<int>(random() % n); };
        const char* rules[] = {"forbidden", "disabled", "thrice", "across"};
        const char* pods[] = {"a", "b", "c", "d"};
        const int number = any(4);
        const Place place = pod(pods[number], noon + number * 5min, any(2));
        const std::string runner(1, static_cast<char>(first_runner + any(2)));
        const auto incidents = book->incidents();
        switch (any(12)) {
            case 0:
            case 1:
            case 2:
            case 3:
                last = fail(rules[any(4)], place, at, runner);
                break;
            case 4:
                recover("forbidden", 0, place, at, {{"runner_name", "name-" + runner}});
                break;
            case 5:
                recover("forbidden", 1, place, at);
                break;
            case 6:
                book->watermark(place.instance, at, now);
                break;
            case 7:
                book->tick(now);
                break;
            case 8: {
                const LifecycleKind kinds[] = {LifecycleKind::started, LifecycleKind::started,
                                               LifecycleKind::ended, LifecycleKind::gone};
                book->lifecycle({kinds[any(4)], place, at}, now);
                break;
            }
            case 9:
                book->gap(place.instance, at - 10s, at, "lost", now);
                break;
            case 10:
                if (last) book->extend(*last, "a further line of " + runner);
                break;
            case 11: {
                if (incidents.empty()) break;
                static_cast<void>(book->act(random_act(random, incidents, now), now));
                break;
            }
        }
    }

    TestFolder folder;
    std::unique_ptr<Store> store;
    std::optional<EvidenceRef> last;
    char first_runner = 'A';  // two runners fail and recover at a time
};

TEST_F(BookStoreTest, LoadedAfterAnyCommitIsTheBookThatWroteIt) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        std::mt19937 random(seed);
        book = loaded();  // what the seed before left is history
        Timestamp at = noon + seed * 3h;
        first_runner = static_cast<char>('A' + 2 * seed);
        for (int step = 0; step < 120; ++step) {
            SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(step));
            at += std::chrono::seconds(random() % 40);
            now += std::chrono::seconds(random() % 90);
            happen(random, at);
            if (random() % 3 == 0) continue;  // several things in one commit
            commit();
            const auto other = loaded();
            expect_the_same(*other);
            if (HasFatalFailure()) return;
            if (random() % 10 == 0) {
                open();
                book = loaded();  // the rest happens to the one that was loaded
            }
        }
    }
    EXPECT_GT(book->incidents().size(), 10u) << "too little happened to show anything";
}

}  // namespace
}  // namespace runnerwatch

#include "daemon/crash_mark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace runnerwatch {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr CrashMark::Line line{7, 0x1234};

// Runs over its stack: no depth is below zero, but the compiler is not to know.
int deeper(volatile int* depth) {
    if (*depth < 0) return 0;
    volatile int here[1024];
    here[0] = *depth + 1;
    return deeper(here) + here[0];
}

class CrashMarkTest : public testing::Test {
protected:
    CrashMarkTest() { std::filesystem::remove(file); }
    ~CrashMarkTest() override { std::filesystem::remove(file); }

    // A process of its own that does `work` with the mark and does not come back by itself.
    template <class Work>
    void process(Work work) {
        const pid_t child = ::fork();
        if (child == 0) {
            std::freopen("/dev/null", "w", stderr);  // what a sanitizer says of it
            CrashMark mark;
            static_cast<void>(mark.open(file));
            work(mark);
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    void crash(const std::string& source, CrashMark::Line at) {
        process([&](CrashMark& mark) {
            const CrashMark::InHand in_hand(mark, source, at);
            std::abort();
        });
    }

    const std::string file = testing::TempDir() + "runnerwatch-crash-mark";
};

TEST_F(CrashMarkTest, CountsTheCrashesOfALineAndCallsItPoisonAtTheThird) {
    for (int crashes = 1; crashes <= 4; ++crashes) {
        crash("a/log", line);
        CrashMark mark;
        EXPECT_THAT(mark.open(file), HasSubstr("line 7 of a/log, " + std::to_string(crashes)));
        EXPECT_EQ(mark.is_poison("a/log", line), crashes >= 3);
        EXPECT_FALSE(mark.is_poison("a/log", {7, 0x1235})) << "another text";
        EXPECT_FALSE(mark.is_poison("a/log", {8, 0x1234})) << "another place";
        EXPECT_FALSE(mark.is_poison("b/log", line)) << "another source";
    }
    CrashMark mark;
    EXPECT_THAT(mark.open(file), IsEmpty()) << "a crash is told once";
    EXPECT_TRUE(mark.is_poison("a/log", line)) << "and remembered";
}

TEST_F(CrashMarkTest, IsSetByEveryFaultAndByNothingElse) {
    struct Case {
        const char* name;
        void (*end)();
        bool marks;
    };
    const Case cases[] = {
        {"abort", [] { std::abort(); }, true},
        {"a null pointer", [] { *static_cast<volatile int*>(nullptr) = 1; }, true},
        {"a stack that runs over",
         [] {
             volatile int depth = 0;
             deeper(&depth);
         },
         true},
        {"SIGSEGV from outside", [] { ::kill(::getpid(), SIGSEGV); }, true},
        {"SIGBUS", [] { ::raise(SIGBUS); }, true},
        {"SIGFPE", [] { ::raise(SIGFPE); }, true},
        {"SIGILL", [] { ::raise(SIGILL); }, true},
        {"SIGKILL", [] { ::kill(::getpid(), SIGKILL); }, false},
        {"SIGTERM", [] { ::raise(SIGTERM); }, false},
        {"an exit", [] { ::_exit(3); }, false},
    };
    for (const auto& [name, end, marks] : cases) {
        SCOPED_TRACE(name);
        std::filesystem::remove(file);
        process([&, end = end](CrashMark& mark) {
            const CrashMark::InHand in_hand(mark, "a/log", line);
            end();
        });
        CrashMark mark;
        EXPECT_EQ(!mark.open(file).empty(), marks);
    }
}

TEST_F(CrashMarkTest, AccusesNoLineThatWasPutDown) {
    process([](CrashMark& mark) {
        { const CrashMark::InHand in_hand(mark, "a/log", line); }
        std::abort();
    });
    CrashMark mark;
    EXPECT_THAT(mark.open(file), IsEmpty());
}

TEST_F(CrashMarkTest, AcquitsALineThatDidNoHarmWhenItWasReadAgain) {
    crash("a/log", line);
    crash("a/log", line);
    {
        CrashMark mark;
        static_cast<void>(mark.open(file));
        const CrashMark::InHand in_hand(mark, "a/log", line);
    }
    crash("a/log", line);
    CrashMark mark;
    static_cast<void>(mark.open(file));
    EXPECT_FALSE(mark.is_poison("a/log", line));
}

// Which source is read first may change from start to start.
TEST_F(CrashMarkTest, TellsTwoThatCrashInTurns) {
    for (int i = 0; i < 3; ++i) {
        crash("a/log", line);
        crash("b/log", line);
    }
    CrashMark mark;
    static_cast<void>(mark.open(file));
    EXPECT_TRUE(mark.is_poison("a/log", line));
    EXPECT_TRUE(mark.is_poison("b/log", line));
}

TEST_F(CrashMarkTest, KeepsTheEndOfALongName) {
    const std::string name = std::string(2'000, 'n') + "/container-1";
    for (int i = 0; i < 3; ++i) crash(name, line);
    CrashMark mark;
    static_cast<void>(mark.open(file));
    EXPECT_TRUE(mark.is_poison(name, line));
    EXPECT_FALSE(mark.is_poison(std::string(2'000, 'n') + "/container-2", line));
}

TEST_F(CrashMarkTest, BeginsAnewWithAFileThatIsNotIts) {
    std::ofstream(file) << std::string(100'000, 'x');
    CrashMark mark;
    EXPECT_THAT(mark.open(file), IsEmpty());
    EXPECT_FALSE(mark.is_poison("a/log", line));
}

TEST_F(CrashMarkTest, SaysWhyNothingIsWatched) {
    CrashMark mark;
    EXPECT_THAT(mark.open("/proc/no/such/folder"), HasSubstr("cannot open /proc/no/such/folder"));
    const CrashMark::InHand in_hand(mark, "a/log", line);
    EXPECT_FALSE(mark.is_poison("a/log", line));
}

}  // namespace
}  // namespace runnerwatch

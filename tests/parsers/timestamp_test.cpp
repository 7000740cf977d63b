#include "parsers/timestamp.h"

#include "parsers/digest.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace runnerwatch {
namespace {

using namespace std::chrono_literals;

TEST(ParseTime, ReadsWhatKubeletsRuntimesAndJournaldWrite) {
    struct Case {
        std::string_view text;
        const char* utc;
        std::size_t length;
    };
    const Case cases[] = {
        {"2026-01-02T03:04:05.678901234Z text", "2026-01-02T03:04:05.678901234Z", 30},
        {"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z", 20},
        {"2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000000Z", 22},
        {"2026-01-02T03:04:05.123456+02:00 x", "2026-01-02T01:04:05.123456000Z", 32},
        {"2026-01-02T00:04:05-0130 x", "2026-01-02T01:34:05.000000000Z", 24},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000000Z", 20},
        {"1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z", 30},
    };
    for (const auto& [text, utc, length] : cases) {
        SCOPED_TRACE(text);
        const auto time = parse_time(text);
        ASSERT_TRUE(time);
        EXPECT_EQ(format_time(time->time), utc);
        EXPECT_EQ(time->length, length);
    }
}

TEST(ParseTime, RefusesWhatIsNoTime) {
    const char* cases[] = {"",
                           "2026",
                           "2026-01-02",
                           "2026-01-02 03:04:05Z",
                           "2026-01-02T03:04:05",
                           "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05.1234567890Z",
                           "2026-01-02T03:04:05+1:00",
                           "2026-01-02T03:04:05+24:00",
                           "2026-02-30T03:04:05Z",
                           "2026-13-01T03:04:05Z",
                           "2026-01-02T24:00:00Z",
                           "2026-01-02T03:60:00Z",
                           "0001-01-01T00:00:00Z",
                           "9999-01-01T00:00:00Z",
                           "2o26-01-02T03:04:05Z"};
    for (const char* text : cases) EXPECT_FALSE(parse_time(text)) << text;
}

TEST(FormatTime, IsReadBackUnchanged) {
    for (const std::int64_t count : {0LL, 1LL, -1LL, 1'795'000'000'123'456'789LL}) {
        const Timestamp time{Duration{count}};
        EXPECT_EQ(parse_time(format_time(time))->time, time);
    }
    EXPECT_EQ(format_time_for_people(Timestamp{1s}), "1970-01-01 00:00:01 UTC");
}

TEST(ParseDuration, ReadsGoAndDays) {
    struct Case {
        const char* text;
        Duration duration;
    };
    const Case cases[] = {
        {"0", 0s},         {"0s", 0s},   {"90s", 90s},          {"5m", 5min},    {"1h0m0s", 1h},
        {"250ms", 250ms},  {"7d", 168h}, {"1.5s", 1500ms},      {".5m", 30s},    {"1us", 1us},
        {"1\u00b5s", 1us}, {"3ns", 3ns}, {"0.000000001s", 1ns}, {"1.5h", 90min}, {"1d12h", 36h},
        {"1.s", 1s},
    };
    for (const auto& [text, duration] : cases) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, duration) << text;
    }
}

TEST(ParseDuration, RefusesWhatIsAmbiguousOrTooLong) {
    for (const char* text : {"", "5", "s", ".s", "5 m", "5m ", "-5m", "1x", "5m3", "1e3s",
                             "99999999999999999999s", "9223372037s", "106752d"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(FormatDuration, IsWhatGoPrints) {
    struct Case {
        Duration duration;
        const char* text;
    };
    const Case cases[] = {
        {0s, "0s"},
        {1ns, "1ns"},
        {1500ns, "1.5\u00b5s"},
        {748'058'030ns, "748.05803ms"},
        {250ms, "250ms"},
        {1500ms, "1.5s"},
        {3s, "3s"},
        {90s, "1m30s"},
        {1h, "1h0m0s"},
        {183'210ms, "3m3.21s"},
        {-2s, "-2s"},
        {Duration::min(), "-2562047h47m16.854775808s"},
    };
    for (const auto& [duration, text] : cases) EXPECT_EQ(format_duration(duration), text);
}

TEST(Digest, GivesTheValuesThatAreStored) {
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(line_hash(""), 0x2d06800538d394c2u);
    EXPECT_NE(line_hash("a"), line_hash("b"));
}

// What follows what: within a minute, over its end, back, and with everything else between.
TEST(TimeReader, ReadsWhateverParseTimeReadsInAnyOrder) {
    std::mt19937 random(1);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const std::string strange = "09:.ZT+- /;x";
    TimeReader reader;
    Timestamp at{std::chrono::hours(24 * 20'000)};
    int quick = 0;
    for (int i = 0; i < 200'000; ++i) {
        at += std::chrono::nanoseconds(below(10) == 0 ? below(2'000'000'000) * 40LL : below(900));
        if (below(1'000) == 0) at -= std::chrono::hours(below(3));
        std::string text = format_time(at) + " text";
        if (below(4) == 0)
            text[static_cast<std::size_t>(below(31))] =
                strange[static_cast<std::size_t>(below(12))];
        if (below(20) == 0) text.resize(static_cast<std::size_t>(below(31)));
        if (below(20) == 0 && text.size() > 29) text.replace(29, 1, "+02:00");
        const auto expected = parse_time(text);
        const auto got = reader.read(text);
        ASSERT_EQ(got.has_value(), expected.has_value()) << text;
        if (!got) continue;
        ++quick;
        ASSERT_EQ(got->time, expected->time) << text;
        ASSERT_EQ(got->length, expected->length) << text;
    }
    EXPECT_GT(quick, 100'000);
}

}  // namespace
}  // namespace runnerwatch

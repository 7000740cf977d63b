#include "parsers/timestamp.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>

namespace runnerwatch {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads exactly `count` digits at `at`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
    if (text.size() < at + count) return std::nullopt;
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (!is_digit(text[i])) return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

// All at once: each byte of the word is a digit, neighbours are put together.
std::optional<std::int64_t> eight_digits(const char* text) {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t word = 0;
    std::memcpy(&word, text, sizeof word);
    word -= 0x3030'3030'3030'3030;
    if (((word | (word + 0x7676'7676'7676'7676)) & 0x8080'8080'8080'8080) != 0) return std::nullopt;
    word = word * 10 + (word >> 8);
    const std::uint64_t pairs = 0x0000'00ff'0000'00ff;
    word = (word & pairs) * 0x000f'4240'0000'0064 + ((word >> 16) & pairs) * 0x0000'2710'0000'0001;
    return static_cast<std::int64_t>(word >> 32);
}

bool has(std::string_view text, std::size_t at, char c) {
    return at < text.size() && text[at] == c;
}

// Reads "Z", "+hh:mm" or "+hhmm" at `at` and moves `at` behind it.
std::optional<minutes> utc_offset(std::string_view text, std::size_t& at) {
    if (has(text, at, 'Z')) {
        ++at;
        return minutes{0};
    }
    if (!has(text, at, '+') && !has(text, at, '-')) return std::nullopt;
    const int sign = text[at] == '-' ? -1 : 1;
    const std::size_t colon = has(text, at + 3, ':') ? 1 : 0;
    const auto hour = digits(text, at + 1, 2);
    const auto minute = digits(text, at + 3 + colon, 2);
    if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
    at += 5 + colon;
    return sign * (hours{*hour} + minutes{*minute});
}

struct CivilTime {
    int year, month, day, hour, minute, second, nanosecond;
};

CivilTime civil(Timestamp time) {
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    return {static_cast<int>(date.year()),
            static_cast<int>(static_cast<unsigned>(date.month())),
            static_cast<int>(static_cast<unsigned>(date.day())),
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count()),
            static_cast<int>(clock.subseconds().count())};
}

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};

// Longer names first where one begins with another.
constexpr Unit units[] = {
    {"ns", 1},
    {"us", 1'000},
    {"\u00b5s", 1'000},  // micro sign
    {"\u03bcs", 1'000},  // Greek mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
};

const Unit* unit_at(std::string_view text) {
    for (const Unit& unit : units)
        if (text.starts_with(unit.name)) return &unit;
    return nullptr;
}

bool add_scaled(std::int64_t& sum, std::int64_t value, std::int64_t scale) {
    std::int64_t product = 0;
    return !__builtin_mul_overflow(value, scale, &product) &&
           !__builtin_add_overflow(sum, product, &sum);
}

// "1.5", without trailing zeros: `value` counts units of 10^-places.
std::string decimal(std::uint64_t value, int places) {
    std::string fraction;
    for (int i = 0; i < places; ++i, value /= 10)
        if (!fraction.empty() || value % 10 != 0)
            fraction.insert(fraction.begin(), static_cast<char>('0' + value % 10));
    std::string text = std::to_string(value);
    if (!fraction.empty()) text += '.' + fraction;
    return text;
}

}  // namespace

std::optional<ParsedTime> parse_time(std::string_view text) {
    // Every line of the log API begins with one: all digits are read, then judged at once.
    if (text.size() < 20) return std::nullopt;
    unsigned wrong = 0;
    const auto two = [&](std::size_t at) {
        const unsigned tens = static_cast<unsigned char>(text[at]) - unsigned{'0'};
        const unsigned ones = static_cast<unsigned char>(text[at + 1]) - unsigned{'0'};
        wrong |= static_cast<unsigned>(tens > 9) | static_cast<unsigned>(ones > 9);
        return static_cast<int>(tens * 10 + ones);
    };
    const int year = two(0) * 100 + two(2), month = two(5), day = two(8);
    const int hour = two(11), minute = two(14), second = two(17);
    if (wrong != 0 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
        text[16] != ':')
        return std::nullopt;
    // Nanoseconds since 1970 in 64 bits end in 1677 and 2262.
    if (year < 1678 || year > 2261) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;

    std::size_t at = 19;
    std::int64_t fraction = 0;
    if (text[at] == '.') {
        constexpr std::int64_t scales[] = {
            1'000'000'000, 100'000'000, 10'000'000, 1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
        const std::size_t first = ++at;
        for (; at < text.size() && at - first < 9 && is_digit(text[at]); ++at)
            fraction = fraction * 10 + (text[at] - '0');
        if (at == first) return std::nullopt;
        fraction *= scales[at - first];
    }
    const auto offset = utc_offset(text, at);
    if (!offset) return std::nullopt;
    const auto local = std::chrono::sys_days{date} + hours{hour} + minutes{minute} +
                       seconds{second} + nanoseconds{fraction};
    return ParsedTime{local - *offset, at};
}

std::optional<ParsedTime> TimeReader::read(std::string_view text) {
    constexpr std::size_t size = sizeof "2026-01-02T03:04:05.678901234Z" - 1;
    const std::size_t seconds_at = minute_.size(), fraction_at = seconds_at + 3;
    if (text.size() >= size && std::memcmp(text.data(), minute_.data(), minute_.size()) == 0 &&
        text[fraction_at - 1] == '.' && text[size - 1] == 'Z') {
        const auto second = digits(text, seconds_at, 2);
        const auto high = eight_digits(text.data() + fraction_at);
        const auto low = digits(text, fraction_at + 8, 1);
        if (second && high && low && *second < 60)
            return ParsedTime{begin_ + seconds{*second} + nanoseconds{*high * 10 + *low}, size};
    }
    const auto parsed = parse_time(text);
    if (parsed && text[parsed->length - 1] == 'Z') {
        std::copy_n(text.begin(), minute_.size(), minute_.begin());
        begin_ = std::chrono::floor<minutes>(parsed->time);
    }
    return parsed;
}

std::optional<Timestamp> parse_unix_micros(std::string_view text) {
    std::int64_t micros = 0, nanos = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
    if (error != std::errc() || end != text.data() + text.size() || micros < 0) return std::nullopt;
    if (!add_scaled(nanos, micros, 1'000)) return std::nullopt;
    return Timestamp(nanoseconds{nanos});
}

std::string format_time(Timestamp time) {
    const CivilTime t = civil(time);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", t.year, t.month,
                  t.day, t.hour, t.minute, t.second, t.nanosecond);
    return text.data();
}

std::string format_time_for_people(Timestamp time) {
    const CivilTime t = civil(time);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02d %02d:%02d:%02d UTC", t.year, t.month,
                  t.day, t.hour, t.minute, t.second);
    return text.data();
}

std::optional<Duration> parse_duration(std::string_view text) {
    if (text == "0") return Duration{0};
    if (text.empty()) return std::nullopt;
    std::int64_t sum = 0;
    while (!text.empty()) {
        std::int64_t whole = 0, fraction = 0, fraction_scale = 1;
        std::size_t at = 0;
        for (; at < text.size() && is_digit(text[at]); ++at)
            if (__builtin_mul_overflow(whole, std::int64_t{10}, &whole) ||
                __builtin_add_overflow(whole, std::int64_t{text[at] - '0'}, &whole))
                return std::nullopt;
        std::size_t digit_count = at;
        if (has(text, at, '.'))
            for (++at; at < text.size() && is_digit(text[at]); ++at, ++digit_count)
                if (fraction_scale < 1'000'000'000) {  // finer than a nanosecond of a second
                    fraction = fraction * 10 + (text[at] - '0');
                    fraction_scale *= 10;
                }
        if (digit_count == 0) return std::nullopt;
        text.remove_prefix(at);
        const Unit* unit = unit_at(text);
        if (unit == nullptr || !add_scaled(sum, whole, unit->nanoseconds)) return std::nullopt;
        // fraction < 10^9, so the product of the two quotients cannot overflow for any unit
        const std::int64_t part = unit->nanoseconds >= fraction_scale
                                      ? fraction * (unit->nanoseconds / fraction_scale)
                                      : fraction / (fraction_scale / unit->nanoseconds);
        if (!add_scaled(sum, part, 1)) return std::nullopt;
        text.remove_prefix(unit->name.size());
    }
    return Duration{sum};
}

std::string format_duration(Duration duration) {
    const bool negative = duration.count() < 0;
    std::uint64_t left = static_cast<std::uint64_t>(duration.count());
    if (negative) left = 0 - left;
    const std::string sign = negative ? "-" : "";
    if (left == 0) return "0s";
    if (left < 1'000) return sign + std::to_string(left) + "ns";
    if (left < 1'000'000) return sign + decimal(left, 3) + "\u00b5s";
    if (left < 1'000'000'000) return sign + decimal(left, 6) + "ms";
    constexpr std::uint64_t minute = 60'000'000'000;
    std::string text = decimal(left % minute, 9) + "s";
    const std::uint64_t all_minutes = left / minute;
    if (all_minutes == 0) return sign + text;
    text = std::to_string(all_minutes % 60) + "m" + text;
    if (all_minutes >= 60) text = std::to_string(all_minutes / 60) + "h" + text;
    return sign + text;
}

}  // namespace runnerwatch

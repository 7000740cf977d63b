#include "parsers/packed_rules.h"

#include <boost/pfr/core.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace runnerwatch {
namespace {

// Numbers take seven bits of each byte, the lowest first; texts and lists stand behind their
// length. A struct is its fields in their order, as Boost.PFR finds them: no list of them has to
// be kept.
class Writer {
public:
    template <class T>
    void write(const T& value) {
        if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            number(static_cast<std::int64_t>(value));
        } else {
            boost::pfr::for_each_field(value, [this](const auto& field) { this->write(field); });
        }
    }
    template <class Rep, class Period>
    void write(const std::chrono::duration<Rep, Period>& value) {
        number(value.count());
    }
    void write(const std::string& text) {
        size(text.size());
        bytes += text;
    }
    template <class T>
    void write(const std::optional<T>& value) {
        write(value.has_value());
        if (value) write(*value);
    }
    template <class T>
    void write(const std::vector<T>& list) {
        size(list.size());
        for (const T& item : list) write(item);
    }
    template <class Key, class T>
    void write(const std::map<Key, T>& map) {
        size(map.size());
        for (const auto& [key, value] : map) {
            write(key);
            write(value);
        }
    }

    std::string bytes;

private:
    void size(std::size_t count) { unsigned_number(count); }
    // Small numbers below zero are kept small, too.
    void number(std::int64_t value) {
        unsigned_number(static_cast<std::uint64_t>(value) << 1 ^
                        static_cast<std::uint64_t>(value >> 63));
    }
    void unsigned_number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
        bytes += static_cast<char>(value);
    }
};

// Reads what Writer wrote. Behind the first fault there is nothing more to read, so nothing is
// made of bytes that are not there, and no list is longer than the bytes left.
class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    bool at_end() const { return rest_.empty() && !failed_; }

    template <class T>
    void read(T& value) {
        if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            value = static_cast<T>(number());
        } else {
            boost::pfr::for_each_field(value, [this](auto& field) { this->read(field); });
        }
    }
    template <class Rep, class Period>
    void read(std::chrono::duration<Rep, Period>& value) {
        value = std::chrono::duration<Rep, Period>(number());
    }
    void read(std::string& text) {
        const std::size_t length = size();
        text = rest_.substr(0, length);
        rest_.remove_prefix(length);
    }
    template <class T>
    void read(std::optional<T>& value) {
        bool present = false;
        read(present);
        if (present) read(value.emplace());
    }
    template <class T>
    void read(std::vector<T>& list) {
        const std::size_t count = size();
        list.reserve(std::min(count, reserved_max));
        while (list.size() < count && !failed_) read(list.emplace_back());
    }
    template <class Key, class T>
    void read(std::map<Key, T>& map) {
        const std::size_t count = size();
        for (std::size_t i = 0; i < count && !failed_; ++i) {
            Key key{};
            read(key);
            read(map.emplace_hint(map.end(), std::move(key), T{})->second);
        }
    }

private:
    // A list of large items must not take much more memory than its bytes.
    static constexpr std::size_t reserved_max = 256;

    // Of items that take a byte at least.
    std::size_t size() {
        const std::uint64_t count = unsigned_number();
        if (count <= rest_.size()) return static_cast<std::size_t>(count);
        fail();
        return 0;
    }
    std::int64_t number() {
        const std::uint64_t value = unsigned_number();
        return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
    }
    std::uint64_t unsigned_number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        fail();
        return 0;
    }
    void fail() {
        failed_ = true;
        rest_ = {};
    }

    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace

std::string packed(const RulePack& pack) {
    Writer writer;
    writer.write(pack);
    return std::move(writer.bytes);
}

Result<RulePack, std::string> unpacked(std::string_view bytes) {
    Reader reader(bytes);
    RulePack pack;
    reader.read(pack);
    if (!reader.at_end())
        return failure(std::string("these bytes are no rule pack, or not of this build"));
    return pack;
}

}  // namespace runnerwatch

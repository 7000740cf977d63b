#pragma once

#include <signal.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Which line was in hand when a fault of ours (SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL) ended the
// process, remembered in a small mapped file beside the database.
//
// A line that ends the process `crashes_max` times in a row, as often as it is taken in hand, is
// poison: the reader passes over it. SIGKILL, SIGTERM and power loss leave no mark. Confined to
// the loop; the handler may run on any thread and only stores. One per process and per file at a
// time (the database's lock sees to that). What was not opened marks nothing.
class CrashMark {
public:
    static constexpr std::uint32_t crashes_max = 3;
    static constexpr std::size_t suspects_max = 16;  // beyond: the oldest is forgotten
    static constexpr std::size_t source_bytes_max = 512;

    // A line of a source: its number within the instance, and the hash of its bytes.
    struct Line {
        std::uint64_t number = 0;
        std::uint64_t hash = 0;
        bool operator==(const Line&) const = default;

        // The end of a record, which a line or the quiet behind it shows, is another thing to do
        // with its last line than taking it: each is tried on its own.
        Line end_of_record() const { return {number, ~hash}; }
    };

    CrashMark() = default;
    ~CrashMark();
    CrashMark(const CrashMark&) = delete;
    CrashMark& operator=(const CrashMark&) = delete;

    // Reads what the process before left, and watches from now on. What an operator should read:
    // the crash of before, or why nothing is watched; or nothing.
    std::string open(const std::filesystem::path& file);

    bool is_poison(std::string_view source, Line line) const;

    // While it lives, `line` is in hand. When it goes, the line has done no harm.
    class InHand {
    public:
        InHand(CrashMark& mark, std::string_view source, Line line) : mark_(mark) {
            mark_.take(source, line);
        }
        ~InHand() { mark_.put_down(); }
        InHand(const InHand&) = delete;
        InHand& operator=(const InHand&) = delete;

    private:
        CrashMark& mark_;
    };

private:
    struct Place {
        Line line;
        std::uint64_t source_size;
        std::array<char, source_bytes_max> source;
        std::string_view name() const { return {source.data(), source_size}; }
    };
    struct Suspect {
        Place place;
        std::uint64_t crashes;
    };
    // The file, in the byte order and layout of this machine: it never leaves it.
    struct File {
        std::uint64_t version;
        std::uint32_t busy;     // a line is in hand
        std::uint32_t crashed;  // and a fault ended the process: set by the handler
        Place hand;
        std::array<Suspect, suspects_max> suspects;  // the latest first; no crashes: free
    };

    static void on_fault(int signal, siginfo_t* info, void*);
    static void watch_faults();
    static std::string_view stored_part(std::string_view source);
    void take(std::string_view source, Line line);
    void put_down();
    void acquit();
    std::string note_crash();

    File* file_ = nullptr;
};

}  // namespace runnerwatch

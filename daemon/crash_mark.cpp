#include "daemon/crash_mark.h"

#include "parsers/visible_text.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

namespace runnerwatch {

namespace {

constexpr std::uint64_t file_version = 0x3168'6372'6177'6e72;  // "rnwarch1"
constexpr int faults[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr std::size_t signals_max = 64;
constexpr std::size_t stack_bytes = 64 * 1024;

// What the handler reads. Not owned; null while there is nothing to mark.
std::atomic<std::uint32_t*> busy_now, crashed_now;
struct sigaction action_before[signals_max];

// The handler must see a line in hand before anything is done with it, and not after.
void store_in_order(std::uint32_t& word, std::uint32_t value) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::atomic_ref(word).store(value, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

CrashMark::~CrashMark() {
    if (!file_) return;
    crashed_now = nullptr;
    busy_now = nullptr;
    ::munmap(file_, sizeof(File));
}

// One store; then whatever would have happened without us (a core dump, a sanitizer's report).
void CrashMark::on_fault(int signal, siginfo_t* info, void*) {
    if (std::uint32_t* crashed = crashed_now.load(std::memory_order_relaxed))
        std::atomic_ref(*crashed).store(*busy_now.load(std::memory_order_relaxed),
                                        std::memory_order_relaxed);
    ::sigaction(signal, &action_before[signal], nullptr);
    // A fault of the program happens again when this returns; what was sent does not.
    if (info->si_code <= 0) ::raise(signal);
}

void CrashMark::watch_faults() {
    static bool watched = false;
    if (std::exchange(watched, true)) return;
    // A stack that has run over has no room for a handler.
    stack_t stack{};
    if (::sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0) {
        static std::array<char, stack_bytes> memory;
        stack = {};
        stack.ss_sp = memory.data();
        stack.ss_size = memory.size();
        ::sigaltstack(&stack, nullptr);
    }
    struct sigaction action {};
    action.sa_sigaction = &CrashMark::on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (const int signal : faults) ::sigaction(signal, &action, &action_before[signal]);
}

std::string CrashMark::open(const std::filesystem::path& file) {
    const auto refused = [&](const char* what, int error) {
        return std::string("lines that end runnerwatch cannot be told and passed over: ") + what +
               " " + file.string() + ": " + std::generic_category().message(error) +
               "; make room and give this user the right to write there";
    };
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return refused("cannot open", errno);
    // Allocated now: a page that a full disk cannot back would be a SIGBUS later.
    const int unallocated = ::posix_fallocate(descriptor, 0, sizeof(File));
    void* address = MAP_FAILED;
    if (unallocated == 0)
        address = ::mmap(nullptr, sizeof(File), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    const int unmapped = errno;
    ::close(descriptor);
    if (unallocated != 0) return refused("cannot make", unallocated);
    if (address == MAP_FAILED) return refused("cannot map", unmapped);
    file_ = static_cast<File*>(address);
    const bool whole =
        file_->version == file_version && file_->hand.source_size <= source_bytes_max &&
        std::all_of(file_->suspects.begin(), file_->suspects.end(), [](const Suspect& suspect) {
            return suspect.place.source_size <= source_bytes_max;
        });
    if (!whole) std::memset(address, 0, sizeof(File));
    file_->version = file_version;
    std::string words;
    if (file_->crashed != 0) words = note_crash();
    file_->busy = file_->crashed = 0;
    busy_now = &file_->busy;
    crashed_now = &file_->crashed;
    watch_faults();
    return words;
}

// Another crash of a suspect, or a new one.
std::string CrashMark::note_crash() {
    auto& suspects = file_->suspects;
    auto suspect = std::find_if(suspects.begin(), suspects.end(), [this](const Suspect& known) {
        return known.crashes > 0 && known.place.line == file_->hand.line &&
               known.place.name() == file_->hand.name();
    });
    if (suspect == suspects.end()) {
        std::rotate(suspects.begin(), suspects.end() - 1, suspects.end());
        suspect = suspects.begin();
        suspect->place = file_->hand;
        suspect->crashes = 0;
    }
    const std::uint64_t crashes = ++suspect->crashes;
    return "the last run was ended by a fault of its own in line " +
           std::to_string(suspect->place.line.number) + " of " +
           visible_text(suspect->place.name()) + ", " + std::to_string(crashes) +
           (crashes == 1 ? " time" : " times in a row") + ": " +
           (crashes < crashes_max
                ? "the line is read again, and passed over at " + std::to_string(crashes_max)
                : std::string("the line is passed over")) +
           "; please report the fault";
}

// Of a name that is too long, its end: that tells instances apart.
std::string_view CrashMark::stored_part(std::string_view source) {
    return source.substr(source.size() - std::min(source.size(), source_bytes_max));
}

bool CrashMark::is_poison(std::string_view source, Line line) const {
    if (!file_ || file_->suspects.front().crashes == 0) return false;
    return std::any_of(file_->suspects.begin(), file_->suspects.end(), [&](const Suspect& known) {
        return known.crashes >= crashes_max && known.place.line == line &&
               known.place.name() == stored_part(source);
    });
}

void CrashMark::take(std::string_view source, Line line) {
    if (!file_) return;
    Place& hand = file_->hand;
    hand.line = line;
    if (const std::string_view name = stored_part(source); name != hand.name()) {
        std::copy(name.begin(), name.end(), hand.source.begin());
        hand.source_size = name.size();
    }
    store_in_order(file_->busy, 1);
}

void CrashMark::put_down() {
    if (!file_) return;
    store_in_order(file_->busy, 0);
    if (file_->suspects.front().crashes > 0) acquit();
}

// The line in hand did no harm this time: it was not the line.
void CrashMark::acquit() {
    for (Suspect& known : file_->suspects)
        if (known.crashes > 0 && known.place.line == file_->hand.line &&
            known.place.name() == file_->hand.name())
            known.crashes = 0;
    // Those that are left come first.
    std::stable_partition(file_->suspects.begin(), file_->suspects.end(),
                          [](const Suspect& known) { return known.crashes > 0; });
}

}  // namespace runnerwatch

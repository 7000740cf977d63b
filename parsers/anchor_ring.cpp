#include "parsers/anchor_ring.h"

#include "parsers/little_endian.h"

#include <algorithm>
#include <cassert>

namespace runnerwatch {

namespace {

// Blob: version, flags (1: has a beginning), count, [beginning], count × (time, hash); integers of
// 8 bytes, least significant first.
constexpr char blob_version = 1;
constexpr std::size_t blob_head = 3, integer_bytes = sizeof(std::uint64_t);

constexpr std::size_t room_min = 16;

// More would be kept for nothing.
std::size_t room_max(std::size_t lines) { return std::max(4 * room_min, 8 * lines); }

std::uint64_t bits_of(Timestamp time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

Timestamp time_of(std::uint64_t bits) {
    return Timestamp(Duration(static_cast<Duration::rep>(bits)));
}

}  // namespace

void AnchorRing::push(LineMark line) {
    run_ = !lines_.empty() && lines_.back().time == line.time ? run_ + 1 : 1;
    if (lines_.full()) make_room();
    lines_.push_back(line);
    const auto old = [&](const LineMark& other) {  // also what a clock that was set back left ahead
        return other.time < line.time - remembered || other.time > line.time + remembered;
    };
    latest_ = lines_.size() == 1 ? line.time : std::max(latest_, line.time);
    while (lines_.size() > stored_max + spare_max &&
           (old(lines_.front()) || lines_.size() > remembered_max)) {
        const bool was_latest = lines_.front().time == latest_;
        lines_.pop_front();
        if (!was_latest) continue;
        latest_ = line.time;
        for (const LineMark& other : lines_) latest_ = std::max(latest_, other.time);
    }
    run_ = std::min(run_, lines_.size());
    if (lines_.capacity() > room_max(lines_.size()))
        lines_.set_capacity(room_max(lines_.size()) / 2);
}

// Most logs have few lines, and a burst passes.
void AnchorRing::make_room() { lines_.set_capacity(std::max(room_min, lines_.size() * 2)); }

bool AnchorRing::contains(const LineMark& line) const {
    return std::find(lines_.rbegin(), lines_.rend(), line) != lines_.rend();
}

std::size_t AnchorRing::count(const LineMark& line) const {
    return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line));
}

std::optional<LineMark> AnchorRing::before(const LineMark& line) const {
    const auto found = std::find(lines_.rbegin(), lines_.rend(), line);
    if (found == lines_.rend() || found + 1 == lines_.rend()) return std::nullopt;
    return *(found + 1);
}

std::vector<LineMark> AnchorRing::newest() const {
    const auto count = static_cast<std::ptrdiff_t>(std::min(lines_.size(), stored_max));
    return {lines_.end() - count, lines_.end()};
}

std::optional<Timestamp> AnchorRing::resume_from() const {
    if (lines_.empty()) return from_;
    return std::chrono::floor<std::chrono::seconds>(last().time) - std::chrono::seconds(1);
}

std::string AnchorRing::blob(std::size_t held_lines) const {
    const std::size_t end = lines_.size() - std::min(held_lines, lines_.size());
    const std::size_t begin = end - std::min(end, stored_max);
    std::string blob{blob_version, static_cast<char>(from_ ? 1 : 0),
                     static_cast<char>(end - begin)};
    if (from_) append_little_endian(blob, bits_of(*from_));
    for (std::size_t i = begin; i < end; ++i) {
        append_little_endian(blob, bits_of(lines_[i].time));
        append_little_endian(blob, lines_[i].hash);
    }
    return blob;
}

std::optional<AnchorRing> AnchorRing::parse(std::string_view blob) {
    if (blob.size() < blob_head || blob[0] != blob_version || (blob[1] != 0 && blob[1] != 1))
        return std::nullopt;
    const bool has_from = blob[1] == 1;
    const std::size_t count = static_cast<unsigned char>(blob[2]);
    blob.remove_prefix(blob_head);
    if (count > stored_max || blob.size() != integer_bytes * (2 * count + (has_from ? 1 : 0)))
        return std::nullopt;
    AnchorRing ring;
    if (has_from) ring.from_ = time_of(take_little_endian<std::uint64_t>(blob));
    for (std::size_t i = 0; i < count; ++i) {
        const Timestamp time = time_of(take_little_endian<std::uint64_t>(blob));
        ring.push({time, take_little_endian<std::uint64_t>(blob)});
    }
    return ring;
}

Alignment::Alignment(const AnchorRing& ring, std::optional<Timestamp> since) : ring_(ring) {
    const std::vector<LineMark> newest = ring.newest();
    for (const LineMark& line : newest)
        if (!since || line.time >= *since) expected_.push_back(line);
    // With older lines of the ring left out, the answer begins with what is expected. Without,
    // more lines of the same nanosecond may stand before it and look the same.
    may_recur_ = expected_.size() == newest.size() && !expected_.empty() &&
                 expected_.front().time == expected_.back().time;
    overdue_ = expected_.empty();
    for (const LineMark& line : expected_) latest_ = std::max(latest_, line.time);
}

bool Alignment::ends_with_expected(std::size_t count) const {
    const std::size_t length = std::min(count, expected_.size());
    for (std::size_t i = 1; i <= length; ++i)
        if (lines_[count - i].mark != expected_[expected_.size() - i]) return false;
    return true;
}

void Alignment::add(Line line) {
    assert(!decided_);
    bytes_ += line.text.size();
    lines_.push_back(std::move(line));
    if (expected_.empty()) return;

    const LineMark& mark = lines_.back().mark;
    if (first_match_ && mark.time != expected_.back().time) return decide(*first_match_, true);
    if (lines_.size() >= expected_.size() && ends_with_expected(lines_.size())) {
        if (!may_recur_) return decide(lines_.size(), true);
        repeats_ = first_match_.has_value();
        if (!first_match_) first_match_ = lines_.size();
    }
    overdue_ = mark.time > latest_ + reorder_max || full();
}

void Alignment::end() {
    if (decided_) return;
    if (first_match_) return decide(*first_match_, true);
    find_rotated();
}

// The log was rotated: what is left of it begins somewhere inside the ring, or behind it.
void Alignment::find_rotated() {
    std::optional<std::size_t> known;
    for (std::size_t count = 1; count <= std::min(lines_.size(), expected_.size()); ++count) {
        if (!ends_with_expected(count)) continue;
        // Several fit when a run of identical lines was split: the fewest known lose nothing.
        repeats_ = known.has_value();
        if (!known) known = count;
        if (repeats_) break;
    }
    if (known) return decide(*known, true);
    std::size_t behind_last_known = lines_.size();
    while (behind_last_known > 0 && !ring_.contains(lines_[behind_last_known - 1].mark))
        --behind_last_known;
    decide(behind_last_known, false);
}

bool Alignment::has_seen(const LineMark& line) const {
    return std::any_of(lines_.rbegin(), lines_.rend(),
                       [&line](const Line& seen) { return seen.mark == line; });
}

void Alignment::decide(std::size_t known, bool anchored) {
    known_ = known;
    anchored_ = anchored;
    decided_ = true;
}

const Alignment::Line* Alignment::last_known() const {
    return known_ > 0 ? &lines_[known_ - 1] : nullptr;
}

AnchorRing Alignment::refreshed() const {
    if (!anchored_ || known_ <= ring_.size()) return ring_;
    AnchorRing ring(ring_.from());
    for (std::size_t i = 0; i < known_; ++i) ring.push(lines_[i].mark);
    return ring;
}

std::vector<Alignment::Line> Alignment::take_new() && {
    assert(decided_);
    lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(known_));
    return std::move(lines_);
}

}  // namespace runnerwatch

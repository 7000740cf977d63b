#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace runnerwatch {

// What the daemon counts, as Prometheus metrics named runnerwatch_*. No line text in labels.
//
// Confined to the loop; text() may be called there too.
class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    void line_read(std::size_t bytes) {  // told when the text is asked for: lines are many
        ++lines_;
        bytes_ += bytes;
    }
    void lines_dropped(std::size_t count);
    void record_matched(const std::string& rule);
    void commit(bool success, double seconds);
    void delivery(const std::string& receiver, const std::string& result);
    void gap(const std::string& kind);
    void slow_turn();  // a job kept the loop for more than 20 ms

    void excepted(const std::string& what, const std::string& exception);
    void unclassified(const std::string& level);
    void rules_reloaded(bool success);
    // Removed from the database: incident, delivery, gap, position, template, audit; why: age,
    // size.
    void forgotten(const std::string& what, const std::string& why, std::uint64_t count);

    void set_rules(std::size_t count, bool current);  // false: the newest could not be taken
    void set_templates(std::size_t count, std::uint64_t beyond);
    void set_sources(std::size_t known, std::size_t caught_up, std::size_t complete);
    // `as_of`: seconds since 1970; up to then the current ones are proven read; 0: none is.
    void set_coverage(std::size_t current, std::size_t living, double as_of);
    void set_open_incidents(const std::string& severity, std::size_t count);
    void set_outbox(std::size_t owed, double oldest_seconds);
    void set_unwritten(std::size_t bytes);
    void set_storage_ok(bool ok);
    void set_database(std::uint64_t used_bytes, std::uint64_t free_bytes);

    std::string text();  // Prometheus text format 0.0.4

private:
    struct Families;
    std::unique_ptr<Families> families_;
    std::uint64_t lines_ = 0, bytes_ = 0;  // read since text()
};

}  // namespace runnerwatch

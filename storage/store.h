#pragma once

#include "parsers/result.h"
#include "storage/change_set.h"
#include "storage/coverage.h"
#include "storage/history.h"
#include "storage/retention.h"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace runnerwatch {

// Why a database cannot be used or a commit failed, in the four parts people need.
struct StoreError {
    enum class Kind {
        locked,
        read_only,
        full,
        newer_version,
        older_version,  // for a reader: only the writer migrates
        corrupt,        // damaged, no database, or one of another program
        network_file_system,
        exists,    // a file that is not to be replaced
        too_long,  // a question that was interrupted
        io
    };
    Kind kind;
    std::string what;  // what happened, why, which file, what to do
};

struct CommitResult {
    std::map<std::string, std::int64_t> numbers;  // incident key -> number, for new incidents
};

// The one writer of a database file. Blocking: lives on the store thread. Holds an OS lock for
// life; a second writer is refused with a sentence. Migrates forward at opening, with an online
// backup beside the file before a migration of an existing database.
//
// This class and Reader are what another engine would have to implement.
class Store {
public:
    static Result<std::unique_ptr<Store>, StoreError> open(const std::filesystem::path& file);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    const std::string& database_id() const;

    // Ended incidents not older than `ended_since` are loaded too: a late line may join them.
    Result<StoredState, StoreError> load(Timestamp ended_since);

    // All of it or nothing. Numbers new incidents in the order of their opening.
    Result<CommitResult, StoreError> commit(const ChangeSet& changes);

    // Forgets a slice of what the rules allow, in one transaction. `may_go_on` is asked after each
    // piece of work (an incident, some hundred small rows): false ends the slice.
    Result<Forgotten, StoreError> forget(const RetentionRules& rules,
                                         const std::function<bool()>& may_go_on);

private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Reads committed state: each answer as of one commit. Blocking; opens its own read-only
// connection; any one thread.
class Reader {
public:
    static Result<std::unique_ptr<Reader>, StoreError> open(const std::filesystem::path& file);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    // Asked every now and then (under a millisecond) while a question is being answered, on the
    // thread that asks: true ends it with StoreError::Kind::too_long. Holds for all questions from
    // now on, until another takes its place.
    void interrupt_when(std::function<bool()> is_over);

    // The one seen last first.
    Result<std::vector<IncidentRow>, StoreError> incidents(const IncidentFilter& filter);

    // By number ("#12" or "12"), ULID or key; none when there is no such incident.
    Result<std::optional<IncidentDetail>, StoreError> incident(std::string_view id);
    // `visible` (namespaces; empty: all): what may be seen of what is merged with it.
    Result<std::optional<IncidentStory>, StoreError> story(
        std::string_view id, const std::vector<std::string>& visible = {});

    // Ended incidents of the same rule: those of the same workload first, then the latest first.
    Result<std::vector<SimilarIncident>, StoreError> similar(const IncidentRow& incident,
                                                             std::size_t limit);

    // Of what the filter takes, whatever its cursor and limit; each of `names` is one of
    // IncidentFacets::names().
    Result<IncidentFacets, StoreError> facets(const IncidentFilter& filter,
                                              const std::vector<std::string>& names);

    // Of the incidents that began within the filter's times, in no order; symptoms that were folded
    // are part of another and left out. Of the filter count rule, namespace, workload, since and
    // until. Returns how many there were.
    Result<std::size_t, StoreError> each_moments(
        const IncidentFilter& filter, const std::function<void(const IncidentMoments&)>& take);

    // Attempts to tell receivers of incidents of `visible` namespaces (empty: all), in the order of
    // their times, from `since` to `until`.
    Result<std::size_t, StoreError> each_delivery(
        Timestamp since, Timestamp until, const std::vector<std::string>& visible,
        const std::function<void(const DeliveryAttemptRow&)>& take);

    Result<std::vector<CoverageRow>, StoreError> coverage();
    // What reading goes on with: what was read, and gaps that have no end yet.
    Result<std::vector<CoverageRow>, StoreError> open_coverage();
    // What coverage_report() is made of; positions without their blobs.
    Result<CoverageRows, StoreError> coverage_rows();
    Result<std::vector<PositionRow>, StoreError> positions();

    // Messages that no rule takes, the most frequent first; and a value of `meta`.
    Result<std::vector<TemplateRow>, StoreError> templates();
    Result<std::optional<std::string>, StoreError> meta(const std::string& name);

    // The same incidents give the same bytes: sorted by key; without numbers, ULID times, rows of
    // our clock and context lines.
    Result<std::string, StoreError> canonical_dump();

private:
    struct Impl;  // storage/reader_impl.h
    explicit Reader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace runnerwatch

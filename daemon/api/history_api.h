#pragma once

#include "alerts/statistics.h"
#include "daemon/net/http_server.h"
#include "parsers/rule.h"
#include "storage/store.h"

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What is read of incidents over HTTP, and by the commands on a database file: one question, one
// answer, whoever asks. In three steps, so that the daemon can take each where it belongs: the
// question is checked, the rows are read (blocking), the answer is made of them and the rules.
namespace runnerwatch {

struct HistoryQuestion {
    enum class Kind { list, facets, incident, similar, postmortem, statistics };
    Kind kind = Kind::list;
    IncidentFilter filter;
    std::vector<std::string> ids;
    std::vector<std::string> facets;  // of facets: which
    std::string part;                 // of an incident alone: timeline, evidence, …; or all
    std::string form, template_name;  // of a postmortem
};

// Whether the path is one of these at all.
bool is_history_path(const std::string& path);

// What is asked, or the reply that says what is wrong with it. `now` makes "7d" a time.
Result<HistoryQuestion, ServerReply> history_question(
    const std::string& path, const std::map<std::string, std::string>& query, Timestamp now);

// The incidents whose events are asked for: state, severity, rule, namespace, workload.
Result<IncidentFilter, ServerReply> event_filter(const std::map<std::string, std::string>& query);

struct SimilarRows {
    IncidentRow incident;
    std::vector<SimilarIncident> similar;
};
using HistoryRows = std::variant<std::vector<IncidentRow>, IncidentFacets,
                                 std::vector<IncidentStory>, SimilarRows, StatisticsSums>;
// Without a value: there is no such incident.
Result<std::optional<HistoryRows>, StoreError> read_history(Reader& reader,
                                                            const HistoryQuestion& question);

ServerReply history_reply(const HistoryQuestion& question, const HistoryRows& rows,
                          const RulePack& pack);
ServerReply no_such_incident(const HistoryQuestion& question);

// Reads and words an answer, on a reader's thread, so that the loop only hands it on. `begun` is
// set before the first row is read: who asks the same from then on could miss what was written
// since.
Result<ServerReply, StoreError> answer_history(Reader& reader, const HistoryQuestion& question,
                                               const RulePack& pack, bool compressed,
                                               std::atomic<bool>& begun);

// Whether it is one that grows with the history: full text, facets, statistics, and postmortems.
bool takes_long(const HistoryQuestion& question);

// A problem document as a reply; that of a database that does not answer (503).
ServerReply problem_reply(int status, const std::string& title, const std::string& detail);
ServerReply storage_reply(const StoreError& error);

// "2026-11-30T02:10:03Z", "2026-11-30", or how long ago: "36h", "7d".
std::optional<Timestamp> moment_from(const std::string& words, Timestamp now);

}  // namespace runnerwatch

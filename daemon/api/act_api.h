#pragma once

#include "alerts/incident_book.h"
#include "daemon/net/http_server.h"
#include "parsers/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What people do to incidents over HTTP, and by the commands on a database file: one request, one
// answer, whoever asks. The request is checked, the incidents it names are brought into the book,
// it is acted, the answer is made. Confined to the loop; nothing in here blocks.
namespace runnerwatch {

// POST /api/v1/incidents/{id}/{act}, or several at once: /api/v1/incidents:batch.
struct ActQuestion {
    static constexpr std::size_t body_bytes_max = 64 * 1024;
    static constexpr std::size_t batch_max = 100;

    struct One {
        std::string id;      // as it was given: number, ULID or key
        ActRequest request;  // `incident` and what it is merged into are filled in by act_all()
    };
    std::vector<One> acts;
    bool batch = false;
    // Of If-Match: which numbers of the incident's last change the caller may have seen.
    std::optional<std::vector<std::int64_t>> if_match;
};

bool is_act_path(const std::string& path);

// What is asked, or the reply that says what is wrong with it. `now` makes "2h" a time. Texts come
// out redacted.
Result<ActQuestion, ServerReply> act_question(const ServerRequest& request,
                                              const std::string& origin, Timestamp now);

// The ids the book does not hold: they may be in the database (IncidentBook::recall). To be asked
// again until nothing new is named: what is merged is recalled with what it is merged into.
std::vector<std::string> ids_to_recall(const IncidentBook& book, const ActQuestion& question);

// Does what is asked and says what came of it: 200, or a problem document.
ServerReply act_all(IncidentBook& book, const ActQuestion& question, Timestamp now);

// "2h" and "3d" from now, a time, or the beginning of a day.
std::optional<Timestamp> moment_ahead(const std::string& words, Timestamp now);

}  // namespace runnerwatch

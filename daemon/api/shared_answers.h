#pragma once

#include "daemon/net/http_server.h"
#include "daemon/runtime/task_group.h"
#include "parsers/result.h"
#include "storage/store.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace runnerwatch {

// All that an answer depends on beside the database: what is asked, what the caller may see, and
// whether it is to be compressed. Two that differ in any of it never have the same key.
std::string key_of_question(const ServerRequest& request, const std::vector<std::string>& visible,
                            bool compressed);

// One answer for all who ask the same while the question waits its turn: a hundred pages that are
// open ask once.
//
// Nobody gets an answer older than his question: one that is being read already is not shared any
// more. Confined to the loop.
class SharedAnswers {
public:
    using Answer = Result<ServerReply, StoreError>;
    // Reads and words the answer. Sets the flag before it begins to read; any thread.
    using Ask = std::function<asio::awaitable<Answer>(std::atomic<bool>& begun)>;

    // Questions being asked run in `tasks`, so that who gives up waiting takes nobody's answer
    // away.
    explicit SharedAnswers(TaskGroup& tasks) : tasks_(tasks) {}

    // `question`: its key_of_question().
    asio::awaitable<Answer> ask(std::string question, Ask ask);

private:
    struct Flight;
    asio::awaitable<void> fly(std::string question, std::shared_ptr<Flight> flight, Ask ask);

    TaskGroup& tasks_;
    std::map<std::string, std::shared_ptr<Flight>> waiting_;  // not answered yet
};

}  // namespace runnerwatch
